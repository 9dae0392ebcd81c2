// expect: 6:6 MS030 '@ipv6' needs 16 bytes, 'a' has 4
// expect: 7:10 MS030 unknown annotation '@ipv5', did you mean '@ipv6'?
// expect: 8:10 MS030 @go(os.Exit): an exported Go name is needed
// expect: 9:10 MS030 write @ipv4 without an argument
struct x {
	int a; // mapschema: @ipv6
	int b;  // mapschema: @ipv5
	int c;  // mapschema: @go(os.Exit)
	int d;  // mapschema: @ipv4(3)
};
