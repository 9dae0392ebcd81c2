// expect: 5:6 MS016 bit-field 'x' of 33 bits: its type has 32
// expect: 6:8 MS016 bit-field 'f' is not of an integer type
// expect: 7:6 MS016 bit-field 'z' can't have width 0
struct a {
	int x : 33;
	float f : 3;
	int z : 0;
};
