use proptest::prelude::*;

use super::*;

const NODE_1: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
const NODE_2: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2));
const NODE_1_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1));
const NODE_2_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2));

/// `Version::V2`, one address, no authentication; its checksum worked out by hand.
const V2: [u8; 20] = [
    0x21, 51, 101, 1, 0, 1, 0x6f, 0x73, 10, 77, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn advert(version: Version) -> Advert {
    Advert {
        version,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority(101),
        interval: Duration::from_secs(1),
        addresses: vec![Ipv4Addr::new(10, 77, 0, 10).into()],
        password: None,
    }
}

/// The error that one changed byte makes; the checksum is mended, so that it is not the reason.
fn changed(version: Version, position: usize, value: u8) -> PacketError {
    let mut message = emit(&advert(version), NODE_1, NODE_2);
    message[position] = value;
    let way = checksum::ours(version);
    let sum = checksum::compute(way, &message, NODE_1, NODE_2);
    message[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    parse(&message, NODE_1, NODE_2).unwrap_err()
}

#[test]
fn version_2_is_read_and_written() {
    let read = parse(&V2, NODE_1, NODE_2);
    assert_eq!(read, Ok((advert(Version::V2), Checksum::Message)));
    assert_eq!(emit(&advert(Version::V2), NODE_1, NODE_2), V2);
}

#[test]
fn no_addresses_at_all_are_legal() {
    for version in [Version::V2, Version::V3] {
        let mut empty = advert(version);
        empty.addresses.clear();
        let message = emit(&empty, NODE_1, GROUP_V4.into());
        assert_eq!(message.len(), if version == Version::V2 { 16 } else { 8 });
        let (read, _) = parse(&message, NODE_1, GROUP_V4.into()).unwrap();
        assert_eq!(read, empty);
    }
}

#[test]
fn a_password_is_the_eight_bytes_at_the_end() {
    let mut shown = advert(Version::V2);
    shown.password = Some(*b"secret\0\0");
    let message = emit(&shown, NODE_1, NODE_2);
    assert_eq!(message[4], AUTH_PASSWORD);
    assert_eq!(&message[12..], b"secret\0\0");
    assert_eq!(parse(&message, NODE_1, NODE_2).unwrap().0, shown);
}

#[test]
fn each_way_of_the_checksum_is_told_apart() {
    let all = [
        Checksum::PseudoHeader,
        Checksum::Message,
        Checksum::MulticastPseudoHeader,
    ];
    for way in all {
        let message = emit_as(way, &advert(Version::V3), NODE_1, NODE_2);
        let (read, found) = parse(&message, NODE_1, NODE_2).unwrap();
        assert_eq!((read, found), (advert(Version::V3), way));
    }
}

#[test]
fn a_checksum_that_fits_two_ways_is_taken_for_keepalived_s() {
    // The pseudo-header of these two sums up to 0xffff, the zero of ones' complement:
    // 0x0a4d + 0x0001 + 0xf535 + 0x0000 + 112 + 12.
    let other = IpAddr::V4(Ipv4Addr::from(0xf535_0000_u32));
    let message = emit(&advert(Version::V3), NODE_1, other);
    let plain = emit_as(Checksum::Message, &advert(Version::V3), NODE_1, other);
    assert_eq!(message, plain);
    let (_, found) = parse(&message, NODE_1, other).unwrap();
    assert_eq!(found, Checksum::PseudoHeader);
}

#[test]
fn a_message_to_the_group_has_one_pseudo_header_only() {
    let group = GROUP_V4.into();
    let message = emit_as(
        Checksum::MulticastPseudoHeader,
        &advert(Version::V3),
        NODE_1,
        group,
    );
    let (_, found) = parse(&message, NODE_1, group).unwrap();
    assert_eq!(found, Checksum::PseudoHeader);
}

#[test]
fn ipv6_without_its_pseudo_header_is_wrong() {
    let mut advert = advert(Version::V3);
    advert.addresses = vec!["fd77::10".parse().unwrap()];
    let message = emit_as(Checksum::Message, &advert, NODE_1_V6, NODE_2_V6);
    let read = parse(&message, NODE_1_V6, NODE_2_V6);
    assert!(matches!(read, Err(PacketError::WrongChecksum { .. })));
}

#[test]
fn the_wrong_checksum_is_told_with_the_right_one() {
    let mut message = V2;
    message[CHECKSUM].copy_from_slice(&[0xab, 0xcd]);
    let error = parse(&message, NODE_1, NODE_2).unwrap_err();
    let expected = PacketError::WrongChecksum {
        found: 0xabcd,
        expected: 0x6f73,
    };
    assert_eq!(error, expected);
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    for version in [Version::V2, Version::V3] {
        let whole = emit(&advert(version), NODE_1, NODE_2);
        for length in 0..whole.len() {
            let error = parse(&whole[..length], NODE_1, NODE_2).unwrap_err();
            let expected = if length < HEADER { HEADER } else { whole.len() };
            assert_eq!(error, PacketError::Truncated { length, expected });
        }
        let expected = whole.len();
        let longer = [whole, vec![0]].concat();
        let length = longer.len();
        let error = parse(&longer, NODE_1, NODE_2).unwrap_err();
        assert_eq!(error, PacketError::TooLong { length, expected });
    }
}

#[test]
fn a_count_that_does_not_fit_the_list_is_refused() {
    let few = |length, expected| PacketError::Truncated { length, expected };
    let many = |length, expected| PacketError::TooLong { length, expected };
    assert_eq!(changed(Version::V2, 3, 2), few(20, 24));
    assert_eq!(changed(Version::V2, 3, 0), many(20, 16));
    assert_eq!(changed(Version::V3, 3, 255), few(12, 1028));
}

#[test]
fn fields_that_mean_nothing_are_refused_by_name() {
    let v2 = Version::V2;
    assert_eq!(changed(v2, 0, 0x22), PacketError::UnknownType(2));
    assert_eq!(changed(v2, 0, 0x11), PacketError::UnknownVersion(1));
    assert_eq!(changed(v2, 0, 0x41), PacketError::UnknownVersion(4));
    assert_eq!(changed(v2, 1, 0), PacketError::NoVrid);
    assert_eq!(changed(v2, 4, 2), PacketError::IpsecAuthentication);
    assert_eq!(changed(v2, 4, 3), PacketError::UnknownAuthentication(3));
    assert_eq!(changed(v2, 5, 0), PacketError::NoInterval);
    assert_eq!(changed(Version::V3, 5, 0), PacketError::NoInterval);
}

#[test]
fn version_2_over_ipv6_and_mixed_families_are_refused() {
    let v2 = emit(&advert(Version::V2), NODE_1_V6, NODE_2_V6);
    let read = parse(&v2, NODE_1_V6, NODE_2_V6);
    assert_eq!(read, Err(PacketError::Version2OverIpv6));
    let v3 = emit(&advert(Version::V3), NODE_1, NODE_2);
    let read = parse(&v3, NODE_1, NODE_2_V6);
    assert_eq!(read, Err(PacketError::MixedFamilies));
}

#[test]
fn reserved_bits_before_the_interval_are_ignored() {
    let mut message = emit(&advert(Version::V3), NODE_1, NODE_2);
    message[4] |= 0xf0;
    let sum = checksum::compute(Checksum::PseudoHeader, &message, NODE_1, NODE_2);
    message[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(
        parse(&message, NODE_1, NODE_2).unwrap().0,
        advert(Version::V3)
    );
}

#[test]
fn intervals_are_written_in_the_unit_of_their_version() {
    let written = |version, interval| {
        let mut advert = advert(version);
        advert.interval = interval;
        let message = emit(&advert, NODE_1, NODE_2);
        parse(&message, NODE_1, NODE_2).unwrap().0.interval
    };
    let seconds = Duration::from_secs;
    let milliseconds = Duration::from_millis;
    assert_eq!(written(Version::V2, milliseconds(2999)), seconds(2));
    assert_eq!(written(Version::V2, milliseconds(100)), seconds(1));
    assert_eq!(written(Version::V2, seconds(300)), seconds(255));
    assert_eq!(written(Version::V3, milliseconds(109)), milliseconds(100));
    assert_eq!(written(Version::V3, milliseconds(1)), milliseconds(10));
    assert_eq!(written(Version::V3, seconds(300)), milliseconds(40_950));
}

#[test]
fn addresses_that_do_not_fit_are_left_out() {
    let mut mixed = advert(Version::V3);
    mixed.addresses.insert(0, "fd77::10".parse().unwrap());
    let (read, _) = parse(&emit(&mixed, NODE_1, NODE_2), NODE_1, NODE_2).unwrap();
    assert_eq!(read, advert(Version::V3));

    let mut many = advert(Version::V3);
    many.addresses = vec![NODE_1; 300];
    let (read, _) = parse(&emit(&many, NODE_1, NODE_2), NODE_1, NODE_2).unwrap();
    assert_eq!(read.addresses, vec![NODE_1; 255]);
}

fn any_v4() -> impl Strategy<Value = IpAddr> + Clone {
    any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into())
}

fn any_v6() -> impl Strategy<Value = IpAddr> + Clone {
    any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).into())
}

fn any_address() -> impl Strategy<Value = IpAddr> + Clone {
    prop_oneof![any_v4(), any_v6()]
}

/// Any advertisement that can be written, with addresses of its own family to send it by.
fn any_message() -> impl Strategy<Value = (Advert, IpAddr, IpAddr)> {
    let v2 = (1u64..256).prop_map(Duration::from_secs);
    let v3 = || (1u64..4096).prop_map(|n| Duration::from_millis(n * 10));
    let password = || prop::option::of(any::<[u8; 8]>());
    prop_oneof![
        message(Version::V2, v2, password().boxed(), any_v4()),
        message(Version::V3, v3(), Just(None).boxed(), any_v4()),
        message(Version::V3, v3(), Just(None).boxed(), any_v6()),
    ]
}

fn message(
    version: Version,
    interval: impl Strategy<Value = Duration> + 'static,
    password: BoxedStrategy<Option<[u8; 8]>>,
    address: impl Strategy<Value = IpAddr> + Clone + 'static,
) -> BoxedStrategy<(Advert, IpAddr, IpAddr)> {
    let addresses = prop::collection::vec(address.clone(), 0..8);
    let ends = (address.clone(), address);
    let fields = (1u8.., any::<u8>(), interval, addresses, password, ends);
    let built = fields.prop_map(
        move |(vrid, priority, interval, addresses, password, (from, to))| {
            let vrid = Vrid::new(vrid).unwrap();
            let priority = Priority(priority);
            let advert = Advert {
                version,
                vrid,
                priority,
                interval,
                addresses,
                password,
            };
            (advert, from, to)
        },
    );
    built.boxed()
}

proptest! {
    #[test]
    fn what_is_written_is_read((advert, from, to) in any_message()) {
        let (read, way) = parse(&emit(&advert, from, to), from, to).unwrap();
        prop_assert_eq!(read, advert.clone());
        prop_assert_eq!(way, checksum::ours(advert.version));
    }

    #[test]
    fn a_flipped_bit_never_reads_as_the_same(
        (advert, from, to) in any_message(),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut message = emit(&advert, from, to);
        let bit = bit.index(message.len() * 8);
        message[bit / 8] ^= 1 << (bit % 8);
        let read = parse(&message, from, to);
        prop_assert_ne!(read, Ok((advert.clone(), checksum::ours(advert.version))));
    }

    #[test]
    fn no_bytes_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        from in any_address(),
        to in any_address(),
    ) {
        let _ = parse(&bytes, from, to);
    }

    #[test]
    fn what_is_read_is_written_back(
        first in prop::sample::select(vec![0x21u8, 0x31]),
        mut bytes in prop::collection::vec(any::<u8>(), 44),
        count in 0..3u8,
        (from, to) in (any_v4(), any_v4()),
    ) {
        (bytes[0], bytes[1], bytes[3]) = (first, bytes[1] | 1, count);
        (bytes[4], bytes[5]) = (bytes[4] & 1, bytes[5] | 1);
        let version = if first == 0x21 { Version::V2 } else { Version::V3 };
        let tail = if version == Version::V2 { AUTHENTICATION } else { 0 };
        bytes.truncate(HEADER + usize::from(count) * 4 + tail);
        let way = checksum::ours(version);
        let sum = checksum::compute(way, &bytes, from, to);
        bytes[CHECKSUM].copy_from_slice(&sum.to_be_bytes());

        let (advert, found) = parse(&bytes, from, to).unwrap();
        prop_assert_eq!(found, way);
        if version == Version::V2 && advert.password.is_none() {
            // These eight bytes mean nothing then, and are zero when we write them.
            let again = emit(&advert, from, to);
            prop_assert_eq!(&again[..CHECKSUM.start], &bytes[..CHECKSUM.start]);
        } else {
            prop_assert_eq!(emit(&advert, from, to), bytes);
        }
    }
}
