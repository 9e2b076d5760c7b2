"""Programs that measure. They print ratios against a peer in the same run wherever there is one."""
