// expect: 4:12 MS007 macro 'P' takes 2 arguments, not 1
// expect: 4:12 MS011 unknown type 'P'
#define P(a, b) a##b
struct a { P(int) x; };
