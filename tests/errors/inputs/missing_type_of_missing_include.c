// expect: 5:14 MS011 unknown type 'my_key'
#include "not_here.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, my_key);
	__type(value, __u32);
	__uint(max_entries, 1);
} m SEC(".maps");
