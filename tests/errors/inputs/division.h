// expect: 2:18 MS014 division by zero
struct a { int x[1/0]; };
