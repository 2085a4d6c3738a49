//! What `DescribeAddresses` answers, as far as it matters here.

use std::net::Ipv4Addr;

use serde::Deserialize;

use crate::cloud::problem;

#[derive(Deserialize)]
struct DescribeAddressesResponse {
    #[serde(rename = "addressesSet", default)]
    addresses: Set,
}

#[derive(Deserialize, Default)]
struct Set {
    #[serde(default)]
    item: Vec<Address>,
}

/// An Elastic IP. What it is not associated with is missing or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Address {
    pub(super) public_ip: String,
    pub(super) allocation_id: String,
    pub(super) association_id: String,
    pub(super) instance_id: String,
    pub(super) network_interface_id: String,
    pub(super) private_ip_address: String,
}

impl Address {
    /// Whether it is with anybody.
    pub(super) const fn associated(&self) -> bool {
        !self.association_id.is_empty()
            || !self.network_interface_id.is_empty()
            || !self.instance_id.is_empty()
    }

    /// Whose private address it leads to.
    pub(super) fn private(&self) -> Option<Ipv4Addr> {
        self.private_ip_address.parse().ok()
    }

    /// Who has it, in one line: `i-0abc eni-0def 10.0.1.190`.
    pub(super) fn holder(&self) -> String {
        let parts = [
            &self.instance_id,
            &self.network_interface_id,
            &self.private_ip_address,
        ];
        let said: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        problem::line(&said.join(" "))
    }
}

/// The addresses in an answer; `None` if it is none of this kind.
pub(super) fn addresses(xml: &str) -> Option<Vec<Address>> {
    if !xml.contains("DescribeAddressesResponse") {
        return None;
    }
    let answer: DescribeAddressesResponse = quick_xml::de::from_str(xml).ok()?;
    Some(answer.addresses.item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(items: &str) -> String {
        format!(
            "<DescribeAddressesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <requestId>f7de5e98</requestId><addressesSet>{items}</addressesSet>\
             </DescribeAddressesResponse>"
        )
    }

    #[test]
    fn an_associated_address_names_its_holder() {
        let xml = answer(
            "<item><publicIp>203.0.113.41</publicIp><allocationId>eipalloc-1</allocationId>\
             <domain>vpc</domain><instanceId>i-1</instanceId><associationId>eipassoc-1</associationId>\
             <networkInterfaceId>eni-1</networkInterfaceId><networkInterfaceOwnerId>1</networkInterfaceOwnerId>\
             <privateIpAddress>10.0.1.207</privateIpAddress><tagSet><item><key>a</key><value>b</value></item>\
             </tagSet></item>",
        );
        let found = addresses(&xml).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].associated());
        assert_eq!(found[0].holder(), "i-1 eni-1 10.0.1.207");
        assert_eq!(found[0].private(), "10.0.1.207".parse().ok());
    }

    #[test]
    fn an_address_with_nobody_has_empty_parts_or_none() {
        for nothing in ["", "<instanceId/><associationId></associationId>"] {
            let xml = answer(&format!(
                "<item><publicIp>203.0.113.41</publicIp>{nothing}</item>"
            ));
            let found = addresses(&xml).unwrap();
            assert!(!found[0].associated(), "{xml}");
        }
    }

    #[test]
    fn a_holder_s_name_is_one_short_line() {
        let long = "z".repeat(500_000);
        let xml = answer(&format!(
            "<item><networkInterfaceId>&#27;[31m&#10;{long}</networkInterfaceId></item>"
        ));
        let name = addresses(&xml).unwrap()[0].holder();
        assert!(name.len() < 2000 && !name.contains(char::is_control));
    }

    #[test]
    fn no_address_and_no_answer_are_two_things() {
        assert_eq!(addresses(&answer("")), Some(Vec::new()));
        assert_eq!(addresses("<html>welcome to the hotel</html>"), None);
        assert_eq!(addresses("<DescribeAddressesResponse><addressesSet>"), None);
    }
}
