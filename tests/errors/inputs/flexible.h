// expect: 2:16 MS017 flexible array 'x' must be the last member
struct a { int x[]; int y; };
