// expect: 2:20 MS010 unexpected '}': nothing is open
struct a { int x; }};
