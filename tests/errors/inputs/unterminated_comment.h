// expect: 2:1 MS003 unterminated comment
/* never closed
struct a { int x; };
