//! The API of Kubernetes on three control planes, checked by `/healthz` over TLS as kubeadm's guide to high
//! availability does. The API servers are fakes that speak TLS and answer that one question.

use super::{
    member::{
        Member,
        Role::{Bad, Dead, Good},
        Speech::Api,
    },
    shapes::{Shape, Step},
};

pub(super) const SHAPE: Shape = Shape {
    name: "kubernetes",
    file: include_str!("kubernetes.cfg"),
    needs: &[],
    page: "127.77.6.10:7000",
    until: None,
    explained: None,
    fronts: &[("127.77.6.10:6443", b"who\n")],
    members: || {
        vec![
            Member::new("cp1", "127.77.6.11:6443", Api),
            Member::new("cp2", "127.77.6.12:6443", Api),
            Member::new("cp3", "127.77.6.13:6443", Api),
        ]
    },
    steps: &[
        Step {
            turns: &[("cp1", Good), ("cp2", Good), ("cp3", Good)],
            states: &[
                ("apiserverbackend/cp1", "UP L7OK"),
                ("apiserverbackend/cp2", "UP L7OK"),
                ("apiserverbackend/cp3", "UP L7OK"),
            ],
        },
        // One dies.
        Step {
            turns: &[("cp2", Dead)],
            states: &[("apiserverbackend/cp2", "DOWN L4CON")],
        },
        // It is back, but its etcd is not; then all is well.
        Step {
            turns: &[("cp2", Bad)],
            states: &[("apiserverbackend/cp2", "DOWN L7STS")],
        },
        Step {
            turns: &[("cp2", Good)],
            states: &[("apiserverbackend/cp2", "UP L7OK")],
        },
    ],
};
