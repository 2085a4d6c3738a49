//! What the blocks mean together: names to indices, defaults, one instance against another.

mod floating_ips;
mod groups;
mod instances;
mod strict;
mod tracks;

use super::{
    address::AddressDraft,
    blocks::Written,
    context::Context,
    model::{Address, Model},
};

/// Resolves everything. What cannot be is reported and left out.
pub(super) fn model(written: &Written, ctx: &mut Context<'_>) -> Model {
    let scripts: Vec<_> = written
        .scripts
        .iter()
        .filter_map(|draft| draft.finish(ctx))
        .collect();
    let files: Vec<_> = written
        .files
        .iter()
        .filter_map(|draft| draft.finish(ctx))
        .collect();
    let processes: Vec<_> = written
        .processes
        .iter()
        .filter_map(|draft| draft.finish(ctx))
        .collect();
    let mut model = Model {
        static_addresses: static_addresses(written),
        global: written.global.finish(),
        scripts,
        files,
        processes,
        instances: Vec::new(),
        groups: Vec::new(),
    };
    model.instances = instances::all(written, &model, ctx);
    model.groups = groups::all(written, &mut model, ctx);
    floating_ips::all(written, &mut model, ctx);
    instances::duplicates(&model, written, ctx);
    model
}

fn static_addresses(written: &Written) -> Vec<Address> {
    let interface = written.global.default_interface.clone();
    let interface = interface.unwrap_or_else(|| "eth0".to_owned());
    let with_interface = |draft: &AddressDraft| Address {
        interface: Some(
            draft
                .address
                .interface
                .clone()
                .unwrap_or_else(|| interface.clone()),
        ),
        ..draft.address.clone()
    };
    written
        .static_addresses
        .iter()
        .map(with_interface)
        .collect()
}
