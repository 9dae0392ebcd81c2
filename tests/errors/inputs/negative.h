// expect: 2:20 MS017 array of -1 elements
struct a { char x[-1]; };
