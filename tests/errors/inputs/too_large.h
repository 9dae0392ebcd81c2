// expect: 2:17 MS021 array is too large (9223372036854775808 elements)
struct a { char x[9223372036854775808]; };
