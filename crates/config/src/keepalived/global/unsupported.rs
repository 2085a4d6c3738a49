//! Keywords of `global_defs` without effect, or refused.

use super::GlobalDraft;
use crate::keepalived::keyword::Keyword;

type Table = &'static [Keyword<GlobalDraft>];

const NO_MAIL: &str = "Pontoon sends no mail; `notify` can";
const NO_IPVS: &str = "there is no IPVS here, the proxy balances";
const NO_SNMP: &str = "there is no SNMP here; `pontoon status --json` tells the state";
const NO_DBUS: &str = "there is no D-Bus here; `pontoon status --json` tells the state";
const NO_BFD: &str = "there is no BFD here";
const NO_FILTER: &str = "no packet filter is set up, as there are no virtual MAC addresses";
const NO_CHECKER: &str = "there is no process of its own that checks servers; the proxy does it";
const UNIT: &str = "set it where Pontoon is started, for example in its systemd unit";

pub(super) const MAIL: Table = &[
    Keyword::supported(
        "notification_email",
        "{ <address> … }",
        "Whom mail is sent to. Pontoon sends none, and warns.",
        |_, line, ctx| {
            let message = format!("`notification_email` has no effect: {NO_MAIL}");
            ctx.d.warning("not-done", line.span(), message);
            let _addresses = line.body_if_any();
            line.args.take_rest();
        },
    ),
    Keyword::without(
        "notification_email_from",
        "<address>",
        "Whom mail comes from.",
        NO_MAIL,
    ),
    Keyword::without("smtp_server", "<host> [<port>]", "Who takes mail.", NO_MAIL),
    Keyword::without(
        "smtp_helo_name",
        "<name>",
        "The name in mail's HELO.",
        NO_MAIL,
    ),
    Keyword::without(
        "smtp_connect_timeout",
        "<seconds>",
        "How long to wait for who takes mail.",
        NO_MAIL,
    ),
    Keyword::without(
        "smtp_alert",
        "[<switch>]",
        "Sends mail about everything.",
        NO_MAIL,
    ),
    Keyword::without(
        "smtp_alert_vrrp",
        "[<switch>]",
        "Sends mail about instances.",
        NO_MAIL,
    ),
    Keyword::without(
        "smtp_alert_checker",
        "[<switch>]",
        "Sends mail about servers.",
        NO_MAIL,
    ),
    Keyword::inert(
        "no_email_faults",
        "",
        "Sends no mail about faults.",
        NO_MAIL,
    ),
    Keyword::inert(
        "no_checker_emails",
        "",
        "Sends less mail about servers.",
        NO_MAIL,
    ),
];

pub(super) const FILES: Table = &[
    Keyword::inert(
        "tmp_config_directory",
        "<directory>",
        "Where the configuration is copied to while it is read.",
        "a configuration is read once, by one process",
    ),
    Keyword::without(
        "config_save_dir",
        "<directory>",
        "Where configurations are kept at reloads.",
        "nothing is kept at reloads",
    ),
    Keyword::refused(
        "startup_script",
        "<command> [<user> [<group>]]",
        "A script that runs before everything else.",
        "run it before Pontoon, for example as `ExecStartPre=` of its systemd unit",
    ),
    Keyword::inert(
        "startup_script_timeout",
        "<seconds>",
        "How long the script may take.",
        "there is no startup script",
    ),
    Keyword::refused(
        "shutdown_script",
        "<command> [<user> [<group>]]",
        "A script that runs after everything else.",
        "run it after Pontoon, for example as `ExecStopPost=` of its systemd unit",
    ),
    Keyword::inert(
        "shutdown_script_timeout",
        "<seconds>",
        "How long the script may take.",
        "there is no shutdown script",
    ),
    Keyword::inert(
        "random_seed",
        "<number>",
        "The seed of `${_RANDOM}`.",
        "`${_RANDOM}` is refused",
    ),
    Keyword::inert(
        "reload_check_config",
        "[<file>]",
        "A reload with errors changes nothing.",
        "that is always so",
    ),
    Keyword::without(
        "include_check",
        "[readable] [match] [wildcard_match] [brace_match]",
        "What `include` complains about.",
        "each missing file is reported; `includea` makes it an error",
    ),
    Keyword::without(
        "reload_time_file",
        "<path>",
        "A file that says when to reload.",
        "nothing is reloaded by the clock; a systemd timer can do it",
    ),
    Keyword::inert(
        "reload_repeat",
        "",
        "Reloads every day.",
        "nothing is reloaded by the clock",
    ),
    Keyword::without(
        "reload_file",
        "[<path>]",
        "A file that is there while the configuration is read.",
        "no such file is made",
    ),
    Keyword::inert(
        "data_use_instance",
        "[<switch>]",
        "Names dumps after the instance of keepalived.",
        "there is one instance of Pontoon a name",
    ),
    Keyword::without(
        "fifo_write_vrrp_states_on_reload",
        "",
        "Tells the FIFOs all states at a reload.",
        "FIFOs are told of changes only",
    ),
    Keyword::inert(
        "process_name",
        "<name>",
        "The name of the parent process.",
        "the parent keeps the name by which scripts find it",
    ),
    Keyword::inert(
        "checker_process_name",
        "<name>",
        "The name of the checking process.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_process_name",
        "<name>",
        "The name of the BFD process.",
        NO_BFD,
    ),
    Keyword::without(
        "vmac_prefix",
        "<text>",
        "How interfaces of virtual MAC addresses are named.",
        "the addresses are on the interface itself, with its own hardware address",
    ),
    Keyword::without(
        "vmac_addr_prefix",
        "<text>",
        "How more such interfaces are named.",
        "the addresses are on the interface itself, with its own hardware address",
    ),
];

const ONE_PRIORITY: &str =
    "the priority of the process stays as `vrrp_priority` and `vrrp_rt_priority` say";

pub(super) const SCHEDULING: Table = &[
    Keyword::inert(
        "max_auto_priority",
        "[<-1…99>]",
        "How far a late process raises its own priority.",
        ONE_PRIORITY,
    ),
    Keyword::inert(
        "min_auto_priority_delay",
        "<microseconds>",
        "What counts as late.",
        ONE_PRIORITY,
    ),
    Keyword::inert(
        "checker_priority",
        "<-20…19>",
        "The nice value of the checking process.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_priority",
        "<-20…19>",
        "The nice value of the BFD process.",
        NO_BFD,
    ),
    Keyword::without(
        "vrrp_no_swap",
        "",
        "The election's memory is not swapped out.",
        UNIT,
    ),
    Keyword::inert(
        "checker_no_swap",
        "",
        "The checking process's memory is not swapped out.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_no_swap",
        "",
        "The BFD process's memory is not swapped out.",
        NO_BFD,
    ),
    Keyword::without(
        "vrrp_cpu_affinity",
        "<cpu> …",
        "On which processors the election runs.",
        UNIT,
    ),
    Keyword::inert(
        "checker_cpu_affinity",
        "<cpu> …",
        "On which processors the checking process runs.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_cpu_affinity",
        "<cpu> …",
        "On which processors the BFD process runs.",
        NO_BFD,
    ),
    Keyword::inert(
        "checker_rt_priority",
        "<1…99>",
        "Real-time scheduling of the checking process.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_rt_priority",
        "<1…99>",
        "Real-time scheduling of the BFD process.",
        NO_BFD,
    ),
    Keyword::without(
        "vrrp_rlimit_rttime",
        "<microseconds>",
        "How long a real-time process may run without a pause.",
        UNIT,
    ),
    Keyword::inert(
        "checker_rlimit_rttime",
        "<microseconds>",
        "How long the checking process may run without a pause.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "bfd_rlimit_rttime",
        "<microseconds>",
        "How long the BFD process may run without a pause.",
        NO_BFD,
    ),
];

const BUFFERS: &str = "the kernel's own sizes hold";

pub(super) const KERNEL: Table = &[
    Keyword::inert(
        "nftables",
        "[<table>]",
        "Which packet filter is used.",
        NO_FILTER,
    ),
    Keyword::inert(
        "nftables_priority",
        "<number>",
        "The packet filter's priority.",
        NO_FILTER,
    ),
    Keyword::inert(
        "nftables_counters",
        "",
        "The packet filter counts.",
        NO_FILTER,
    ),
    Keyword::inert(
        "nftables_ifindex",
        "",
        "The packet filter knows interfaces by number.",
        NO_FILTER,
    ),
    Keyword::inert(
        "vrrp_iptables",
        "[<chain> [<chain>]]",
        "The packet filter's chains.",
        NO_FILTER,
    ),
    Keyword::inert(
        "vrrp_ipsets",
        "[<name> …]",
        "The packet filter's sets.",
        NO_FILTER,
    ),
    Keyword::inert(
        "disable_local_igmp",
        "",
        "The kernel sends no IGMP for local groups.",
        "the groups are joined and reported as the kernel does it",
    ),
    Keyword::inert(
        "vrrp_netlink_cmd_rcv_bufs",
        "<bytes>",
        "A receive buffer.",
        BUFFERS,
    ),
    Keyword::inert(
        "vrrp_netlink_cmd_rcv_bufs_force",
        "<switch>",
        "A receive buffer above the limit.",
        BUFFERS,
    ),
    Keyword::inert(
        "vrrp_netlink_monitor_rcv_bufs",
        "<bytes>",
        "A receive buffer.",
        BUFFERS,
    ),
    Keyword::inert(
        "vrrp_netlink_monitor_rcv_bufs_force",
        "<switch>",
        "A receive buffer above the limit.",
        BUFFERS,
    ),
    Keyword::inert(
        "process_monitor_rcv_bufs",
        "<bytes>",
        "A receive buffer.",
        BUFFERS,
    ),
    Keyword::inert(
        "process_monitor_rcv_bufs_force",
        "<switch>",
        "A receive buffer above the limit.",
        BUFFERS,
    ),
    Keyword::inert(
        "vrrp_rx_bufs_policy",
        "MTU|ADVERT|<bytes>",
        "How large receive buffers are.",
        BUFFERS,
    ),
    Keyword::inert(
        "vrrp_rx_bufs_multiplier",
        "<number>",
        "How many packets receive buffers take.",
        BUFFERS,
    ),
];

pub(super) const AGENTS: Table = &[
    Keyword::without(
        "snmp_socket",
        "<address>",
        "Where the SNMP agent listens.",
        NO_SNMP,
    ),
    Keyword::without("enable_traps", "", "Sends SNMP traps.", NO_SNMP),
    Keyword::without("enable_snmp_vrrp", "", "SNMP about instances.", NO_SNMP),
    Keyword::without(
        "enable_snmp_keepalived",
        "",
        "SNMP about instances, in older files.",
        NO_SNMP,
    ),
    Keyword::without("enable_snmp_checker", "", "SNMP about servers.", NO_SNMP),
    Keyword::without(
        "enable_snmp_rfc",
        "",
        "SNMP as in RFC 2787 and RFC 6527.",
        NO_SNMP,
    ),
    Keyword::without("enable_snmp_rfcv2", "", "SNMP as in RFC 2787.", NO_SNMP),
    Keyword::without("enable_snmp_rfcv3", "", "SNMP as in RFC 6527.", NO_SNMP),
    Keyword::without("enable_dbus", "", "Tells the state by D-Bus.", NO_DBUS),
    Keyword::without("dbus_service_name", "<name>", "The name on D-Bus.", NO_DBUS),
];

pub(super) const LVS: Table = &[
    Keyword::without(
        "lvs_sync_daemon",
        "<interface> …",
        "Synchronizes IPVS connections.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_id",
        "<name>",
        "The node's name in very old files.",
        "`router_id` took its place",
    ),
    Keyword::inert(
        "lvs_timeouts",
        "[tcp <seconds>] [tcpfin <seconds>] [udp <seconds>]",
        "Timeouts of IPVS connections.",
        NO_IPVS,
    ),
    Keyword::inert("lvs_flush", "", "Empties IPVS at start.", NO_IPVS),
    Keyword::inert(
        "lvs_flush_on_stop",
        "[VS]",
        "Empties IPVS at the end.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_notify_fifo",
        "<path> …",
        "A FIFO that is told of servers.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_notify_fifo_script",
        "<command> …",
        "Reads that FIFO.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_netlink_cmd_rcv_bufs",
        "<bytes>",
        "A receive buffer.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_netlink_cmd_rcv_bufs_force",
        "<switch>",
        "A receive buffer above the limit.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_netlink_monitor_rcv_bufs",
        "<bytes>",
        "A receive buffer.",
        NO_IPVS,
    ),
    Keyword::inert(
        "lvs_netlink_monitor_rcv_bufs_force",
        "<switch>",
        "A receive buffer above the limit.",
        NO_IPVS,
    ),
    Keyword::inert(
        "nftables_ipvs",
        "[<table>]",
        "A packet filter for IPVS.",
        NO_IPVS,
    ),
    Keyword::inert(
        "nftables_ipvs_priority",
        "<number>",
        "The priority of the packet filter for IPVS.",
        NO_IPVS,
    ),
    Keyword::inert(
        "nftables_ipvs_start_fwmark",
        "<number>",
        "The first mark of the packet filter for IPVS.",
        NO_IPVS,
    ),
    Keyword::inert(
        "checker_log_all_failures",
        "[<switch>]",
        "Logs each failed check of a server.",
        NO_CHECKER,
    ),
    Keyword::inert(
        "rs_init_notifies",
        "",
        "Tells of servers at start.",
        NO_IPVS,
    ),
];
