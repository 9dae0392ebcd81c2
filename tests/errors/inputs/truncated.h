// expect: 2:10 MS010 unclosed '{' at the end of the input
struct a { int x;
