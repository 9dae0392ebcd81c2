// expect: 4:23 MS013 member 'x' is there twice
// expect: 6:8 MS013 'b' is defined again, in another way (first at twice.h:5)

struct a { int x; int x; };
struct b { int y; };
struct b { long y; };
