// expect: 3:12 MS011 unknown type 'flow_kye', did you mean 'flow_key'?
typedef int flow_key;
struct a { flow_kye x; };
