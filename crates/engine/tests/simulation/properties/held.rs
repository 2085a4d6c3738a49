use pontoon_engine::vrrp::{InstanceId, Role, action::Action};

use super::{Fact, Picture, Property};

/// Addresses are taken on becoming master, let go on ceasing to be one, and announced by whoever
/// has them.
#[derive(Default)]
pub(crate) struct HeldByMaster {
    judged: u64,
}

impl Property for HeldByMaster {
    fn name(&self) -> &'static str {
        "an address is held by a master, and by nobody else"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Ordered { node, action } => check_order(picture, *node, action),
            Fact::Settled { node } => {
                self.judged += 1;
                check_node(picture, *node)
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

/// The picture shows what was before the order.
fn check_order(picture: &Picture, node: usize, action: &Action) -> Result<(), String> {
    let held = |instance: &InstanceId| picture.instance(node, instance.0).held;
    let wrong = match action {
        Action::Acquire(instance) => held(instance).then_some("takes what it has"),
        Action::Release(instance) => (!held(instance)).then_some("lets go what it has not"),
        Action::Announce { instance, .. } => {
            (!held(instance)).then_some("announces what it has not")
        }
        _ => None,
    };
    wrong.map_or(Ok(()), |what| {
        Err(format!("node {node} {what}: {action:?}"))
    })
}

fn check_node(picture: &Picture, node: usize) -> Result<(), String> {
    for (router, instance) in picture.nodes[node].instances.iter().enumerate() {
        if instance.held != (instance.role == Role::Master) {
            let (role, held) = (instance.role, instance.held);
            return Err(format!(
                "node {node}, router {router}: {role}, held: {held}"
            ));
        }
    }
    Ok(())
}
