// expect: 2:33 MS019 aligned(3): the alignment must be a power of two
struct a { int x __attribute__((aligned(3))); };
