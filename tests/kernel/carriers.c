/* Sends the packet's bytes through the ring buffer and the perf array of netmon_layout.h. */
#include "netmon_layout.h"

SEC("xdp")
int to_ringbuf(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet_event *event;

	if (data + sizeof(*event) > end)
		return XDP_DROP;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return XDP_ABORTED;
	__builtin_memcpy(event, data, sizeof(*event));
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

SEC("xdp")
int to_perf(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet_event event;

	if (data + sizeof(event) > end)
		return XDP_DROP;
	__builtin_memcpy(&event, data, sizeof(event));
	return bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &event, sizeof(event)) ? XDP_ABORTED : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
