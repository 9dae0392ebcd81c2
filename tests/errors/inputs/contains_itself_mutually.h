// expect: 3:19 MS015 'a' contains itself
struct a { struct b x; };
struct b { struct a y; };
