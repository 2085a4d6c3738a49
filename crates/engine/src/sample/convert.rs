//! Casts between types, and converters
//! (HAProxy configuration manual, 7.2 "sample types" and 7.3.1).

use std::{borrow::Cow, fmt::Write as _, net::IpAddr};

use ipnet::IpNet;

use super::{Converter, Value};

impl Value {
    /// As a truth: an integer is true unless it is 0.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Integer(value) => Some(*value != 0),
            Self::String(_) => self.as_integer().map(|value| value != 0),
            Self::Ip(_) | Self::Binary(_) => None,
        }
    }

    /// As an integer: a truth is 0 or 1, an IPv4 address its 32 bits, a text its number.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Integer(value) => Some(*value),
            Self::Ip(IpAddr::V4(address)) => Some(u32::from(*address).into()),
            Self::Ip(IpAddr::V6(_)) | Self::Binary(_) => None,
            Self::String(text) => text.parse().ok(),
        }
    }

    /// As an address: a text if it is one.
    #[must_use]
    pub fn as_ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::String(text) => text.parse().ok(),
            Self::Bool(_) | Self::Integer(_) | Self::Binary(_) => None,
        }
    }

    /// As bytes: numbers and addresses as they are written.
    #[must_use]
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::String(text) => Cow::Borrowed(text.as_bytes()),
            Self::Binary(bytes) => Cow::Borrowed(bytes),
            Self::Bool(value) => Cow::Borrowed(if *value { b"1" } else { b"0" }),
            Self::Integer(value) => Cow::Owned(value.to_string().into_bytes()),
            Self::Ip(address) => Cow::Owned(address.to_string().into_bytes()),
        }
    }
}

impl Converter {
    /// Applies the converter; `None` if it cannot take the value.
    pub(super) fn apply(&self, value: Value) -> Option<Value> {
        Some(match self {
            Self::Lower => map_text(value, |bytes| bytes.make_ascii_lowercase()),
            Self::Upper => map_text(value, |bytes| bytes.make_ascii_uppercase()),
            Self::Length => Value::Integer(i64::try_from(value.to_bytes().len()).ok()?),
            Self::Hex => Value::String(hex(&value.to_bytes())),
            Self::IpMask { v4, v6 } => Value::Ip(mask(value.as_ip()?, *v4, *v6)?),
            Self::Not => Value::Bool(!value.as_bool()?),
            Self::Bool => Value::Bool(value.as_bool()?),
        })
    }
}

/// Changes letters in place. What was no text becomes one.
fn map_text(value: Value, change: impl FnOnce(&mut [u8])) -> Value {
    let binary = matches!(value, Value::Binary(_));
    let mut bytes = value.to_bytes().into_owned();
    change(&mut bytes);
    match String::from_utf8(bytes) {
        Ok(text) if !binary => Value::String(text),
        Ok(text) => Value::Binary(text.into_bytes()),
        Err(error) => Value::Binary(error.into_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
}

fn mask(address: IpAddr, v4: u8, v6: u8) -> Option<IpAddr> {
    let bits = if address.is_ipv4() { v4 } else { v6 };
    Some(IpNet::new(address, bits).ok()?.network())
}
