//! Elections in simulated networks: thousands of runs, each determined by its seed.
//!
//! `PONTOON_SEED=…` replays one run and tells its story, `PONTOON_SEEDS=…` says how many runs
//! each test makes, `PONTOON_FULL=1` makes twenty times as many as usual.

mod simulation;

use simulation::{Defect, Lab};

#[test]
fn whatever_goes_wrong() {
    Lab::chaos().explore(5000);
}

#[test]
fn among_others() {
    Lab::mixed().explore(2000);
}

#[test]
fn nodes_that_start_together() {
    Lab::simultaneous_start().explore(3000);
}

#[test]
fn a_proxy_in_a_crash_loop() {
    Lab::crash_loop().explore(200);
}

#[test]
fn mastership_handed_over_on_purpose() {
    Lab::switchovers().explore(3000);
}

#[test]
fn a_seed_determines_its_run() {
    for seed in 0..20 {
        Lab::chaos().is_the_same_again(seed);
    }
}

/// The floating IP that goes with the master.
mod floating_ip {
    use super::*;

    #[test]
    fn whatever_goes_wrong_at_the_provider() {
        Lab::floating().explore(1000);
    }

    #[test]
    fn the_address_follows_a_switchover() {
        Lab::floating_switchovers().explore(500);
    }

    #[test]
    fn a_split_that_lasts() {
        Lab::split().explore(500);
    }

    #[test]
    fn a_seed_determines_its_run() {
        for seed in 0..10 {
            Lab::floating().is_the_same_again(seed);
        }
    }

    #[test]
    fn calls_after_mastership_are_noticed() {
        let property = "only masters call the provider";
        Lab::floating().notices(Defect::CallsAfterwards, property);
    }

    #[test]
    fn too_many_calls_are_noticed() {
        let property = "a node stays below its rate of calls";
        Lab::floating().notices(Defect::CallsTooOften, property);
    }

    #[test]
    fn an_address_that_is_fired_once_and_never_checked_is_noticed() {
        let property = "once all is well the floating IP is with the one master";
        Lab::floating().notices(Defect::FiresOnce, property);
    }

    #[test]
    fn new_masters_that_do_not_wait_for_a_rivals_last_call_are_noticed() {
        let property = "once all is well the floating IP is with the one master";
        Lab::floating().notices(Defect::LooksSeldom, property);
    }

    #[test]
    fn two_masters_that_take_it_from_each_other_are_noticed() {
        let property = "in a lasting split the floating IP moves at most once";
        Lab::split().notices(Defect::Quarrels, property);
    }

    #[test]
    fn masters_that_give_way_without_a_reason_are_noticed() {
        let property = "the floating IP is left to nobody without a reason";
        Lab::split().notices(Defect::Awed, property);
    }

    #[test]
    fn alarms_that_are_not_raised_are_noticed() {
        let property = "a master without the floating IP says so";
        Lab::floating().notices(Defect::RaisesNoAlarm, property);
    }
}

/// Each property notices the machine that breaks it.
mod noticed {
    use super::*;

    #[test]
    fn addresses_that_are_kept() {
        let property = "an address is held by a master, and by nobody else";
        Lab::chaos().notices(Defect::KeepsAddresses, property);
    }

    #[test]
    fn notifications_out_of_order() {
        let property = "scripts hear of every transition in its order";
        Lab::chaos().notices(Defect::NotifiesLate, property);
    }

    #[test]
    fn neighbours_who_are_not_told_again() {
        let property = "every neighbour knows where the address is";
        Lab::chaos().notices(Defect::AnnouncesOnce, property);
    }

    #[test]
    fn masters_who_do_not_give_way() {
        let property = "once all is well there is exactly one master";
        Lab::chaos().notices(Defect::DeafMaster, property);
    }

    #[test]
    fn nodes_that_wait_for_their_servers_though_nobody_else_is_there() {
        let property = "once all is well there is exactly one master";
        Lab::chaos().notices(Defect::WaitsForServers, property);
    }

    #[test]
    fn resignations_that_are_not_heard() {
        let property = "a master that resigns is replaced within skew";
        Lab::chaos().notices(Defect::DeafToResignations, property);
    }

    #[test]
    fn preemption_without_a_usable_server() {
        let property = "no node preempts a living master while its own proxy has no usable server";
        Lab::chaos().notices(Defect::TrustsPendingServers, property);
    }

    #[test]
    fn a_veto_of_servers_that_nobody_checks() {
        let property = "in the end the highest priority is master";
        Lab::chaos().notices(Defect::DistrustsUnchecked, property);
    }

    #[test]
    fn preemption_right_after_a_crash() {
        let property = "a node whose proxy crashed preempts nobody before its stable time";
        Lab::chaos().notices(Defect::ForgetsCrashes, property);
    }

    #[test]
    fn a_crash_loop_that_moves_the_address() {
        let property = "a crash loop moves the address at most once per stable time";
        Lab::crash_loop().notices(Defect::ForgetsCrashes, property);
    }

    #[test]
    fn two_masters_at_the_start() {
        let property = "nodes that start together elect one master, once";
        Lab::simultaneous_start().notices(Defect::DeafAtFirst, property);
    }

    #[test]
    fn members_of_a_group_that_go_alone() {
        let property = "the members of a group stand and fall together";
        Lab::chaos().notices(Defect::ForgetsGroups, property);
    }

    #[test]
    fn what_was_handed_over_and_is_taken_back_at_once() {
        let property = "a switchover makes another node master, once";
        Lab::switchovers().notices(Defect::TakesBack, property);
    }

    #[test]
    fn addresses_that_are_handed_to_nobody() {
        let property = "once all is well there is exactly one master";
        Lab::switchovers().notices(Defect::HandsOverBlindly, property);
    }

    #[test]
    fn a_machine_that_never_rests() {
        Lab::chaos().notices(Defect::Restless, "it rests");
    }
}
