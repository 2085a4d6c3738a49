//! What AWS answers; see [`crate::fuzzing`].

use jiff::Timestamp;

use super::{
    answer,
    complaint::{Asked, Complaint},
    credentials,
};
use crate::cloud::http::Answer;

/// An answer of EC2, STS or the metadata service, or a file of AWS's tools.
pub(in crate::cloud) fn answers(heard: &Answer) -> bool {
    let text = heard.text();
    let addresses = answer::addresses(&text).unwrap_or_default();
    for address in &addresses {
        let holder = address.holder();
        assert!(
            !holder.contains(char::is_control) && holder.len() < 2000,
            "{holder:?}"
        );
    }
    let complaint = Complaint::of(heard, Timestamp::UNIX_EPOCH);
    // Its own words are shown as a problem only.
    let problem = complaint.problem(Asked {
        host: "ec2.example",
        action: "ec2:AssociateAddress",
        origin: "a file",
    });
    for text in [&problem.text, &problem.advice] {
        assert!(!text.contains(char::is_control), "{problem:?}");
    }
    credentials::fuzz(&text) | !addresses.is_empty() | !complaint.code.is_empty()
}
