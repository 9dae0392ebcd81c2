// expect: 3:19 MS012 'struct flow_kye' is not defined, did you mean 'flow_key'?
struct flow_key { int x; };
struct a { struct flow_kye x; };
