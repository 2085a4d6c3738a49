//! The providers of floating IPs: where is the address, bring it here.

pub mod fence;
