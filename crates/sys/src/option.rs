//! Socket options, all in one place.

use std::{io, os::fd::AsFd, os::fd::AsRawFd as _, time::Duration};

use rustix::net::sockopt;
use socket2::SockRef;

/// TCP keepalive and its rhythm; what is `None` stays the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keepalive {
    /// Silence before the first probe.
    pub idle: Option<Duration>,
    /// Between two probes.
    pub interval: Option<Duration>,
    /// Probes without an answer that end the connection.
    pub count: Option<u32>,
}

/// Sends every write at once.
///
/// # Errors
/// Not a TCP socket.
pub fn set_no_delay(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_tcp_nodelay(socket, true)?)
}

/// Lets the kernel merge the next acknowledgement with data.
///
/// # Errors
/// Not a TCP socket.
pub fn delay_acks(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_tcp_quickack(socket, false)?)
}

/// Probes an idle connection.
///
/// # Errors
/// A value is out of the kernel's range.
pub fn set_keepalive(socket: impl AsFd, keepalive: Keepalive) -> io::Result<()> {
    sockopt::set_socket_keepalive(&socket, true)?;
    if let Some(idle) = keepalive.idle {
        sockopt::set_tcp_keepidle(&socket, idle)?;
    }
    if let Some(interval) = keepalive.interval {
        sockopt::set_tcp_keepintvl(&socket, interval)?;
    }
    if let Some(count) = keepalive.count {
        sockopt::set_tcp_keepcnt(&socket, count)?;
    }
    Ok(())
}

/// Closing will reset the connection and forget unsent data.
///
/// # Errors
/// Not a socket.
pub fn reset_on_close(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(socket, Some(Duration::ZERO))?)
}

/// `SO_REUSEADDR`.
///
/// # Errors
/// Not a socket.
pub fn reuse_address(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_reuseaddr(socket, true)?)
}

/// `SO_REUSEPORT`: another process of the same user may bind the address as well.
///
/// # Errors
/// Not a socket.
pub fn reuse_port(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_reuseport(socket, true)?)
}

/// Whether an IPv6 socket leaves IPv4 alone.
///
/// # Errors
/// Not an IPv6 socket.
pub fn set_v6_only(socket: impl AsFd, only: bool) -> io::Result<()> {
    Ok(sockopt::set_ipv6_v6only(socket, only)?)
}

/// How long sent data may stay unacknowledged.
///
/// # Errors
/// Not a TCP socket.
pub fn set_user_timeout(socket: impl AsFd, timeout: Duration) -> io::Result<()> {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    Ok(sockopt::set_tcp_user_timeout(socket, millis)?)
}

/// The congestion control algorithm.
///
/// # Errors
/// The kernel does not have it, or it is not allowed.
pub fn set_congestion_control(socket: impl AsFd, name: &str) -> io::Result<()> {
    Ok(sockopt::set_tcp_congestion(socket, name)?)
}

/// `SO_RCVBUF`, in bytes.
///
/// # Errors
/// Not a socket.
pub fn set_receive_buffer(socket: impl AsFd, bytes: u32) -> io::Result<()> {
    Ok(sockopt::set_socket_recv_buffer_size(
        socket,
        bytes as usize,
    )?)
}

/// `SO_SNDBUF`, in bytes.
///
/// # Errors
/// Not a socket.
pub fn set_send_buffer(socket: impl AsFd, bytes: u32) -> io::Result<()> {
    Ok(sockopt::set_socket_send_buffer_size(
        socket,
        bytes as usize,
    )?)
}

/// The largest segment.
///
/// # Errors
/// Out of the kernel's range.
pub fn set_max_segment(socket: impl AsFd, bytes: u16) -> io::Result<()> {
    SockRef::from(&socket).set_tcp_mss(u32::from(bytes))
}

/// Only packets of this interface.
///
/// # Errors
/// No such interface, or not allowed.
pub fn bind_to_interface(socket: impl AsFd, name: &str) -> io::Result<()> {
    SockRef::from(&socket).bind_device(Some(name.as_bytes()))
}

/// Addresses that are not this machine's may be bound.
///
/// # Errors
/// Needs `CAP_NET_ADMIN` or `CAP_NET_RAW`.
pub fn set_transparent(socket: impl AsFd, v6: bool) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    if v6 {
        socket.set_ip_transparent_v6(true)
    } else {
        socket.set_ip_transparent_v4(true)
    }
}

/// The port is chosen when connecting, so that many servers can share one.
///
/// # Errors
/// Not an IP socket.
pub fn bind_address_without_port(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

/// A connection is accepted once its first data are there, at the latest after some seconds.
///
/// # Errors
/// Not a TCP socket.
pub fn defer_accept(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, 1)
}

/// TCP Fast Open on a listener, with a queue of this length.
///
/// # Errors
/// Not supported by the kernel.
pub fn accept_fast_open(socket: impl AsFd, queue: i32) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, queue)
}

/// Takes back what a TCP listener was told before by [`set_max_segment`], [`defer_accept`],
/// [`accept_fast_open`], [`set_keepalive`], [`set_user_timeout`] and [`set_congestion_control`].
///
/// # Errors
/// It is no TCP socket, or out of descriptors.
pub fn forget_tuning(socket: impl AsFd) -> io::Result<()> {
    set_int(&socket, libc::IPPROTO_TCP, libc::TCP_MAXSEG, 0)?;
    set_int(&socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, 0)?;
    sockopt::set_socket_keepalive(&socket, false)?;
    sockopt::set_tcp_user_timeout(&socket, 0)?;
    // Where Fast Open is compiled out, nobody can have turned it on.
    let _off = set_int(&socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, 0);
    let fresh = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    let usual = sockopt::tcp_congestion(&fresh)?;
    if sockopt::tcp_congestion(&socket)? != usual {
        sockopt::set_tcp_congestion(&socket, &usual)?;
    }
    Ok(())
}

/// TCP Fast Open on a socket about to connect: the first data go with the SYN.
///
/// # Errors
/// Not supported by the kernel.
pub fn connect_fast_open(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1)
}

/// A reset is not answered, and nothing is sent on close: the peer is left waiting.
///
/// # Errors
/// Needs `CAP_NET_ADMIN`.
pub fn forget_peer(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_REPAIR, 1)
}

/// How many routers packets may pass.
///
/// # Errors
/// Not an IP socket.
pub fn set_hop_limit(socket: impl AsFd, hops: u8) -> io::Result<()> {
    sockopt::set_ip_ttl(&socket, u32::from(hops))
        .or_else(|_| sockopt::set_ipv6_unicast_hops(&socket, Some(hops)))?;
    Ok(())
}

/// On a netlink socket: an answer does not repeat the question.
///
/// # Errors
/// Not a netlink socket.
pub fn acknowledge_briefly(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, 1)
}

/// The traffic class of IPv6 packets.
///
/// # Errors
/// Not an IPv6 socket.
pub fn set_traffic_class(socket: impl AsFd, class: u8) -> io::Result<()> {
    let class = libc::c_int::from(class);
    set_int(socket, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class)
}

/// With each IPv6 packet the kernel tells whom it was sent to, and what is left of its hop limit.
///
/// # Errors
/// Not an IPv6 socket.
pub fn tell_destination_and_hop_limit(socket: impl AsFd) -> io::Result<()> {
    set_int(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
    set_int(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)
}

/// What the network refuses on the way (ICMP) is told as an error of the next call, also where it may
/// be for a moment only.
///
/// # Errors
/// Not an IP socket of this kind.
pub fn tell_refusals(socket: impl AsFd, v6: bool) -> io::Result<()> {
    let (level, name) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    } else {
        (libc::IPPROTO_IP, libc::IP_RECVERR)
    };
    set_int(socket, level, name, 1)
}

/// A TCP listener hears of no new connection from now on, and refuses none: clients ask again a second
/// later. Those that are being made are made, and those that wait to be accepted stay.
///
/// # Errors
/// Out of memory.
pub fn ignore_new_connections(socket: impl AsFd) -> io::Result<()> {
    /// `SYN` among the flags, and where those are in a TCP header.
    const SYN: u32 = 2;
    const FLAGS: u32 = 13;
    let step = |code: u32, k: u32, otherwise: u8| libc::sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: 0,
        jf: otherwise,
        k,
    };
    let mut program = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, FLAGS, 0),
        step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, SYN, 1),
        step(libc::BPF_RET | libc::BPF_K, 0, 0),
        step(libc::BPF_RET | libc::BPF_K, u32::MAX, 0),
    ];
    let filter = libc::sock_fprog {
        len: 4,
        filter: program.as_mut_ptr(),
    };
    // The program lives until the call returns, which copies it.
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
}

/// Takes [`ignore_new_connections`] back.
///
/// # Errors
/// There is nothing to take back.
pub fn hear_new_connections(socket: impl AsFd) -> io::Result<()> {
    set_int(socket, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, 0)
}

fn set_int(
    socket: impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    set(socket, level, name, &value)
}

/// An option whose value is of this type, as the kernel knows it.
fn set<T>(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for the time of the borrow, and the pointer and the length
    // describe one value that lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_waits_stays_and_who_comes_is_not_heard() {
        use std::net::TcpStream;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300));
        let _waits = connect().unwrap();
        ignore_new_connections(&listener).unwrap();
        assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(listener.accept().is_ok());
        assert!(listener.accept().is_err());
        hear_new_connections(&listener).unwrap();
        let _comes = connect().unwrap();
    }

    #[test]
    fn the_kernel_says_what_was_set() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        set_no_delay(&socket).unwrap();
        assert!(sockopt::tcp_nodelay(&socket).unwrap());
        let keepalive = Keepalive {
            idle: Some(Duration::from_secs(7)),
            interval: Some(Duration::from_secs(3)),
            count: Some(2),
        };
        set_keepalive(&socket, keepalive).unwrap();
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap().as_secs(), 7);
        assert_eq!(sockopt::tcp_keepintvl(&socket).unwrap().as_secs(), 3);
        assert_eq!(sockopt::tcp_keepcnt(&socket).unwrap(), 2);
        set_user_timeout(&socket, Duration::from_millis(1500)).unwrap();
        assert_eq!(sockopt::tcp_user_timeout(&socket).unwrap(), 1500);
        reset_on_close(&socket).unwrap();
        assert_eq!(
            sockopt::socket_linger(&socket).unwrap(),
            Some(Duration::ZERO)
        );
        defer_accept(&socket).unwrap();
        bind_address_without_port(&socket).unwrap();
        accept_fast_open(&socket, 16).unwrap();
    }

    fn int(socket: impl AsFd, level: libc::c_int, name: libc::c_int) -> libc::c_int {
        let (mut value, mut length) = (0, 4);
        // SAFETY: the kernel writes at most four bytes to `value`, which is as large.
        let got = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                level,
                name,
                (&raw mut value).cast(),
                &raw mut length,
            )
        };
        assert_eq!(got, 0);
        value
    }

    #[test]
    fn a_listener_forgets_its_tuning() {
        let tuned = TcpListener::bind("127.0.0.1:0").unwrap();
        let fresh = TcpListener::bind("127.0.0.1:0").unwrap();
        let usual = sockopt::tcp_congestion(&fresh).unwrap();
        let other = if usual == "reno" { "cubic" } else { "reno" };
        set_congestion_control(&tuned, other).unwrap();
        set_max_segment(&tuned, 500).unwrap();
        defer_accept(&tuned).unwrap();
        accept_fast_open(&tuned, 16).unwrap();
        set_user_timeout(&tuned, Duration::from_secs(9)).unwrap();
        let keepalive = Keepalive {
            idle: None,
            interval: None,
            count: None,
        };
        set_keepalive(&tuned, keepalive).unwrap();
        let all = |socket: &TcpListener| {
            let tcp = libc::IPPROTO_TCP;
            (
                [libc::TCP_DEFER_ACCEPT, libc::TCP_FASTOPEN].map(|name| int(socket, tcp, name)),
                sockopt::tcp_congestion(socket).unwrap(),
                sockopt::tcp_user_timeout(socket).unwrap(),
                sockopt::socket_keepalive(socket).unwrap(),
                int(socket, tcp, libc::TCP_MAXSEG),
            )
        };
        assert_ne!(all(&tuned), all(&fresh));
        forget_tuning(&tuned).unwrap();
        assert_eq!(all(&tuned), all(&fresh));
    }

    #[test]
    fn an_impossible_option_is_an_error() {
        let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(defer_accept(&a).is_err());
    }
}
