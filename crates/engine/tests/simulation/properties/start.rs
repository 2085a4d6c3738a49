use pontoon_engine::vrrp::Role;

use super::{Fact, Picture, Property};

/// Where nothing goes wrong, nobody becomes master who has to give way again.
#[derive(Default)]
pub(crate) struct StartsOnce {
    master: Option<usize>,
}

impl Property for StartsOnce {
    fn name(&self) -> &'static str {
        "nodes that start together elect one master, once"
    }

    fn see(&mut self, _: &Picture, fact: &Fact) -> Result<(), String> {
        match (fact.transition(), self.master) {
            (Some((node, _, _, Role::Master)), None) => {
                self.master = Some(node);
                Ok(())
            }
            (Some((node, _, _, Role::Master)), Some(first)) => {
                Err(format!("node {node} becomes master after node {first}"))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: &Picture) -> Result<(), String> {
        self.master
            .map_or(Err("nobody is master".into()), |_| Ok(()))
    }

    fn judged(&self) -> u64 {
        self.master.is_some().into()
    }
}
