//! Keywords of instances without effect, or refused.

use super::InstanceDraft;
use crate::keepalived::keyword::Keyword;

const NO_IPVS: &str = "there is no IPVS here, the proxy balances";
const NO_VMAC: &str = "the addresses are on the interface itself, with its own hardware address; gratuitous ARP tells neighbours";

pub(super) const KEYWORDS: &[Keyword<InstanceDraft>] = &[
    Keyword::refused(
        "virtual_rules",
        "{ <rule> … }",
        "Routing rules the master holds.",
        "add them with `ip rule` in `notify_master`, and delete them in `notify_backup`, `notify_fault` and `notify_stop`",
    ),
    Keyword::refused(
        "vrf",
        "<interface>",
        "The VRF of an instance without interface.",
        "name the `interface`; an interface in a VRF works",
    ),
    Keyword::refused(
        "mcast_dst_ip",
        "<address>",
        "A multicast group of its own.",
        "`vrrp_mcast_group4` and `vrrp_mcast_group6` in `global_defs` set the groups of all instances",
    ),
    Keyword::refused(
        "use_ipvlan",
        "[<interface>] [<address>] [<mode>]",
        "Speaks from an interface of its own.",
        "leave it out: advertisements come from the interface itself",
    ),
    Keyword::without(
        "use_vmac",
        "[<interface>] [<mac>]",
        "Holds the addresses on an interface with the virtual MAC address.",
        NO_VMAC,
    ),
    Keyword::without(
        "use_vmac_addr",
        "",
        "The same for addresses on other interfaces.",
        NO_VMAC,
    ),
    Keyword::inert(
        "vmac_xmit_base",
        "",
        "Speaks from the interface itself.",
        "advertisements come from the interface itself anyway",
    ),
    Keyword::inert(
        "old_unicast_checksum",
        "[never]",
        "The checksum of very old versions of keepalived.",
        "both checksums are accepted, and the newer one is sent",
    ),
    Keyword::without(
        "garp_extra_if",
        "[all] <seconds>",
        "Announces addresses on other interfaces again and again.",
        "each address is announced on the interface that holds it; `garp_master_refresh` does it again and again",
    ),
    Keyword::inert(
        "kernel_rx_buf_size",
        "<bytes>",
        "The size of the receive buffer.",
        "the kernel's own size holds",
    ),
    Keyword::inert(
        "linkbeat_use_polling",
        "",
        "Asks the interface for its state again and again.",
        "the kernel tells of every change of a link",
    ),
    Keyword::without(
        "lvs_sync_daemon_interface",
        "<interface>",
        "Synchronizes IPVS connections.",
        NO_IPVS,
    ),
    Keyword::without(
        "lvs_sync_daemon",
        "<interface> …",
        "Synchronizes IPVS connections.",
        NO_IPVS,
    ),
];
