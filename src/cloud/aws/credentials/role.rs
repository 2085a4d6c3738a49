//! The role of the instance.

use super::issued;
use crate::cloud::{
    aws::{keys::Keys, metadata::Metadata},
    http::Call,
    problem::Problem,
};

const ROLES: &str = "meta-data/iam/security-credentials/";

/// Asks the metadata service for the keys of the role.
pub(super) async fn ask(metadata: &mut Metadata, call: &Call<'_>) -> Result<Keys, Problem> {
    let roles = metadata.get(ROLES, call).await?.unwrap_or_default();
    let Some(role) = roles.lines().map(str::trim).find(|role| !role.is_empty()) else {
        return Err(Problem::refused(
            "the instance has no role",
            "attach one whose policy allows ec2:DescribeAddresses and ec2:AssociateAddress",
        ));
    };
    let text = metadata.expect(&format!("{ROLES}{role}"), call).await?;
    issued::keys(
        &text,
        "instance metadata",
        format!("the instance role {role}"),
    )
}
