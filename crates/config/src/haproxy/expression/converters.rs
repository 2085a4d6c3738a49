//! The converters that are implemented (HAProxy configuration manual, 7.3.1).

use pontoon_engine::sample::Converter;

use super::{Call, Method, Type, Typed, bad_arguments, known};
use crate::diagnostic::Diagnostics;

/// All implemented converters.
#[rustfmt::skip]
pub(crate) static CONVERTERS: &[Method] = &[
    Method { name: "bool", arguments: "", doc: "Whether a number is not zero." },
    Method { name: "hex", arguments: "", doc: "Bytes as hexadecimal digits." },
    Method { name: "ipmask", arguments: "(<mask4>[,<mask6>])", doc: "The network of an address." },
    Method { name: "length", arguments: "", doc: "The number of bytes." },
    Method { name: "lower", arguments: "", doc: "In lower case." },
    Method { name: "not", arguments: "", doc: "True for zero and false, else false." },
    Method { name: "upper", arguments: "", doc: "In upper case." },
];

/// Appends the converter a call names. `None`: an error was reported.
pub(super) fn append(call: &Call<'_>, typed: &mut Typed, d: &mut Diagnostics) -> Option<()> {
    let Some(method) = CONVERTERS.iter().find(|method| method.name == call.name) else {
        known::report_converter(call, d);
        return None;
    };
    let Some(converter) = meaning(call.name, call.arguments()) else {
        bad_arguments(call, method.arguments, d);
        return None;
    };
    let Some(output) = output(&converter, typed.output) else {
        d.error(
            "bad-expression",
            call.span,
            format!("`{}` cannot convert {}", call.name, describe(typed.output)),
        );
        return None;
    };
    typed.expression.converters.push(converter);
    typed.output = output;
    Some(())
}

fn meaning(name: &str, arguments: &[&str]) -> Option<Converter> {
    Some(match (name, arguments) {
        ("bool", []) => Converter::Bool,
        ("hex", []) => Converter::Hex,
        ("length", []) => Converter::Length,
        ("lower", []) => Converter::Lower,
        ("not", []) => Converter::Not,
        ("upper", []) => Converter::Upper,
        ("ipmask", [v4]) => Converter::IpMask {
            v4: v4_mask(v4)?,
            v6: 128,
        },
        ("ipmask", [v4, v6]) => Converter::IpMask {
            v4: v4_mask(v4)?,
            v6: v6.parse().ok().filter(|bits| *bits <= 128)?,
        },
        _ => return None,
    })
}

/// A prefix length, or a dotted mask.
fn v4_mask(text: &str) -> Option<u8> {
    if let Ok(bits) = text.parse::<u8>() {
        return (bits <= 32).then_some(bits);
    }
    let mask: std::net::Ipv4Addr = text.parse().ok()?;
    ipnet::ipv4_mask_to_prefix(mask).ok()
}

/// What comes out, if this can go in.
const fn output(converter: &Converter, input: Type) -> Option<Type> {
    match (converter, input) {
        (Converter::Lower | Converter::Upper, Type::String) => Some(Type::String),
        (Converter::Length, Type::String | Type::Binary) => Some(Type::Integer),
        (Converter::Hex, Type::String | Type::Binary) => Some(Type::String),
        (Converter::IpMask { .. }, Type::Ip) => Some(Type::Ip),
        (Converter::Not | Converter::Bool, Type::Bool | Type::Integer) => Some(Type::Bool),
        _ => None,
    }
}

/// A type in a sentence.
pub(in crate::haproxy) const fn describe(output: Type) -> &'static str {
    match output {
        Type::Bool => "a boolean",
        Type::Integer => "a number",
        Type::Version => "a version",
        Type::Ip => "an address",
        Type::String => "a text",
        Type::Binary => "bytes",
    }
}
