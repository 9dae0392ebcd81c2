// expect: 6:2 MS020 unknown map attribute 'max_entry', did you mean 'max_entries'?
// expect: 10:2 MS020 map 'n': the kernel has no map type 99
// expect: 12:12 MS020 map 'o' has no type
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entry, 1);
} m SEC(".maps");

struct {
	__uint(type, 99);
} n SEC(".maps");
struct { } o SEC(".maps");
