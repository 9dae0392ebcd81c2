// expect: 4:1 MS004 #error no
// expect: 5:1 MS004 #if without #endif
// expect: 6:1 MS004 unknown directive '#includ', did you mean 'include'?
#error no
#if 1
#includ <x.h>
struct a { int x; };
