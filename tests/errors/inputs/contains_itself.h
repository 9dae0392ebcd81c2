// expect: 2:19 MS015 'a' contains itself
struct a { struct a x; };
