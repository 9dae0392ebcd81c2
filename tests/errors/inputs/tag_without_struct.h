// expect: 3:12 MS011 unknown type 'flow_key', did you mean 'struct flow_key'?
struct flow_key { int x; };
struct a { flow_key x; };
