//! A machine that is asked for everything once: thousands of servers may name one host, one file
//! of authorities, one user.

use std::{cell::RefCell, collections::HashMap, net::IpAddr};

use super::Surroundings;

/// Remembers what a machine has answered. What has changed meanwhile has not changed for one
/// reading of the files.
pub(super) struct Remembering<'a> {
    machine: &'a dyn Surroundings,
    hosts: Answers<Vec<IpAddr>>,
    readable: Answers<Result<(), String>>,
    users: Answers<Option<u32>>,
    groups: Answers<Option<u32>>,
    permissions: Answers<Option<u32>>,
}

/// Answers to one kind of question.
struct Answers<T>(RefCell<HashMap<String, T>>);

impl<T: Clone> Answers<T> {
    fn none() -> Self {
        Self(RefCell::default())
    }

    fn to(&self, question: &str, ask: impl FnOnce() -> T) -> T {
        if let Some(answer) = self.0.borrow().get(question) {
            return answer.clone();
        }
        let answer = ask();
        self.0
            .borrow_mut()
            .insert(question.to_owned(), answer.clone());
        answer
    }
}

impl<'a> Remembering<'a> {
    /// Asks this machine.
    pub(super) fn new(machine: &'a dyn Surroundings) -> Self {
        Self {
            machine,
            hosts: Answers::none(),
            readable: Answers::none(),
            users: Answers::none(),
            groups: Answers::none(),
            permissions: Answers::none(),
        }
    }
}

impl Surroundings for Remembering<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.machine.variable(name)
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        self.hosts.to(host, || self.machine.resolve(host))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.machine.read(path)
    }

    fn readable(&self, path: &str) -> Result<(), String> {
        self.readable.to(path, || self.machine.readable(path))
    }

    fn kernel_setting(&self, name: &str) -> Option<String> {
        self.machine.kernel_setting(name)
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        self.users.to(name, || self.machine.user_id(name))
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        self.groups.to(name, || self.machine.group_id(name))
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        self.permissions.to(path, || self.machine.permissions(path))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Counting(Cell<u32>);

    impl Counting {
        fn count(&self) {
            self.0.set(self.0.get() + 1);
        }
    }

    impl Surroundings for Counting {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }

        fn resolve(&self, _: &str) -> Vec<IpAddr> {
            self.count();
            vec![IpAddr::from([10, 0, 0, 1])]
        }

        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.count();
            (path == "there").then(Vec::new).ok_or("missing".into())
        }

        fn user_id(&self, _: &str) -> Option<u32> {
            self.count();
            Some(7)
        }

        fn group_id(&self, _: &str) -> Option<u32> {
            self.count();
            None
        }
    }

    #[test]
    fn a_machine_is_asked_once_for_each_name() {
        let machine = Counting::default();
        let remembering = Remembering::new(&machine);
        for _ in 0..3 {
            assert_eq!(remembering.resolve("db"), [IpAddr::from([10, 0, 0, 1])]);
            assert_eq!(remembering.readable("there"), Ok(()));
            assert!(remembering.readable("gone").is_err());
            assert_eq!(remembering.user_id("haproxy"), Some(7));
            assert_eq!(remembering.group_id("haproxy"), None);
        }
        assert_eq!(machine.0.get(), 5);
    }
}
