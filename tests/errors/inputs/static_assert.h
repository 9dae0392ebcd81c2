// expect: 3:1 MS018 static assertion failed: int is not 8
struct a { int x; };
_Static_assert(sizeof(int) == 8, "int is not 8");
