//! Switchovers: peers are asked, peers ask, and the machine is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use pontoon_engine::vrrp::{
    InstanceId, Role,
    event::Event,
    readiness::{Body, Message, Readiness},
    settings::Peers,
    view::{CannotHandOver, CannotTakeBack, InstanceView},
};

use super::EventLoop;
use crate::{
    election::{
        log::Level,
        network::Asked,
        switchover::{Asking, Due, meant},
        words::{self, Words},
    },
    node::{
        message::FromElection,
        status::{Heir, Whose, Wish},
    },
};

impl EventLoop {
    /// The operator wants a switchover, or to know whether one could be.
    pub(super) fn switchover_wanted(&mut self, id: u64, whose: &Whose, wish: Wish) {
        let outcome = match wish {
            Wish::TakeBack => self.take_back(whose).map(Some),
            Wish::HandOver { force: true } => self.force(whose).map(Some),
            Wish::HandOver { force: false } => self.ask(id, whose, true).map(|()| None),
            Wish::Ask => self.ask(id, whose, false).map(|()| None),
        };
        // While peers are asked there is nothing to answer yet.
        if let Some(result) = outcome.transpose() {
            self.tell(&FromElection::SwitchoverAnswered { id, result });
        }
    }

    fn take_back(&mut self, whose: &Whose) -> Result<Vec<Heir>, String> {
        let handed_over = |id: InstanceId| self.view(id).switchover.is_some();
        let leaders = meant(whose, &self.settings, handed_over)
            .map_err(|why| format!("{why}: nothing has been handed over"))?;
        for id in &leaders {
            let refused = self.election.can_take_back(*id);
            refused.map_err(|why| self.cannot_take_back(*id, why))?;
        }
        for id in &leaders {
            self.notable("Switchover: taken back by its operator", *id);
            self.handle(Event::TakeBack { instance: *id });
        }
        Ok(self.heirs(&leaders))
    }

    /// Without asking anybody.
    fn force(&mut self, whose: &Whose) -> Result<Vec<Heir>, String> {
        let leaders = self.masters_meant(whose)?;
        let text = "Switchover: handed over by its operator, whether a peer is ready or not";
        self.hand_over(&leaders, text);
        Ok(self.heirs(&leaders))
    }

    fn hand_over(&mut self, leaders: &[InstanceId], text: &str) {
        for id in leaders {
            self.notable(text, *id);
            self.handle(Event::HandOver { instance: *id });
        }
    }

    fn masters_meant(&self, whose: &Whose) -> Result<Vec<InstanceId>, String> {
        let is_master = |id: InstanceId| self.view(id).role == Role::Master;
        let leaders = meant(whose, &self.settings, is_master)
            .map_err(|why| format!("{why}: this node is master of none"))?;
        for id in &leaders {
            let refused = self.election.can_hand_over(*id);
            refused.map_err(|why| self.cannot_hand_over(why))?;
        }
        Ok(leaders)
    }

    fn ask(&mut self, id: u64, whose: &Whose, hand_over: bool) -> Result<(), String> {
        if self.asking.is_some() {
            return Err("another switchover is being prepared".to_owned());
        }
        let leaders = self.masters_meant(whose)?;
        let moving = leaders.iter().flat_map(|id| self.election.moves_with(*id));
        let members = moving.map(|id| (id, self.peers_of(id))).collect();
        let asking = Asking::new(id, leaders, members, hand_over, Instant::now());
        self.question(&asking);
        self.asking = Some(asking);
        Ok(())
    }

    /// Who can answer, as far as that is known.
    fn peers_of(&self, id: InstanceId) -> Option<BTreeSet<IpAddr>> {
        match &self.settings.instances.get(id.0)?.peers {
            Peers::Multicast => None,
            Peers::Unicast(peers) => {
                // Many files list their own node as well.
                let own = self.network.source(id);
                let others = peers.iter().copied().filter(|peer| Some(*peer) != own);
                Some(others.collect())
            }
        }
    }

    fn question(&mut self, asking: &Asking) {
        for id in asking.members() {
            if let Some(message) = self.message(id, asking.number, Body::Question) {
                self.network.send_message(id, None, &message);
            }
        }
    }

    fn message(&self, id: InstanceId, number: u64, body: Body) -> Option<Message> {
        let settings = self.settings.instances.get(id.0)?;
        Some(Message {
            version: settings.version,
            vrid: settings.vrid,
            number,
            password: settings.password,
            body,
        })
    }

    /// Somebody asks, or answers.
    pub(super) fn asked(&mut self, asked: Asked) {
        let Asked {
            instance,
            from,
            hop_limit,
            message,
        } = asked;
        let trusted = self.election.trusts(instance, from, hop_limit, &message);
        if trusted.is_err() {
            // Its advertisements meet the same fate, and that is told.
            return;
        }
        match message.body {
            Body::Question => self.answer_peer(instance, from, message.number),
            Body::Answer(readiness) => {
                let number = message.number;
                let ours = self.asking.as_mut().filter(|it| it.number == number);
                if let Some(asking) = ours {
                    asking.take(instance, from, readiness);
                    if asking.is_complete() {
                        self.asked_enough();
                    }
                }
            }
        }
    }

    fn answer_peer(&mut self, id: InstanceId, to: IpAddr, number: u64) {
        if !self.sparing.allows(Instant::now()) {
            return;
        }
        let view = self.view(id);
        let readiness = Readiness {
            role: view.role,
            priority: view.priority,
            obstacle: self.obstacle(id).unwrap_or_default(),
        };
        if let Some(message) = self.message(id, number, Body::Answer(readiness)) {
            self.network.send_message(id, Some(to), &message);
        }
    }

    /// What would keep this node from serving, if it were master.
    fn obstacle(&self, id: InstanceId) -> Option<String> {
        let words = Words {
            settings: &self.settings,
        };
        if let Some(obstacle) = self.election.obstacle(id) {
            return Some(words.obstacle(obstacle));
        }
        let addresses = self.floating.status(id, Instant::now());
        addresses.into_iter().find_map(|it| {
            let trouble = it.not_ready?;
            Some(format!("floating IP {}: {}", it.address, trouble.text))
        })
    }

    /// When a question is due again, or answers have had their time.
    pub(super) fn asking_timeout(&self) -> Option<Instant> {
        self.asking.as_ref().map(Asking::poll_timeout)
    }

    pub(super) fn ask_again(&mut self) {
        let Some(mut asking) = self.asking.take() else {
            return;
        };
        let due = asking.due(Instant::now());
        if due == Due::Again {
            self.question(&asking);
        }
        self.asking = Some(asking);
        if due == Due::Over {
            self.asked_enough();
        }
    }

    /// What was asked about may have another number from now on.
    pub(super) fn stop_asking(&mut self) {
        if let Some(Asking { id, .. }) = self.asking.take() {
            let result = Err("the configuration has just changed; ask again".to_owned());
            self.tell(&FromElection::SwitchoverAnswered { id, result });
        }
    }

    fn asked_enough(&mut self) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        let result = self.conclude(&asking);
        let id = asking.id;
        self.tell(&FromElection::SwitchoverAnswered { id, result });
    }

    fn conclude(&mut self, asking: &Asking) -> Result<Vec<Heir>, String> {
        let settings = &self.settings;
        let words = Words { settings };
        let heirs = asking.verdict(|id| words.instance(id).to_owned())?;
        // Meanwhile it may have been lost, or reloaded away.
        for id in &asking.leaders {
            let refused = self.election.can_hand_over(*id);
            refused.map_err(|why| self.cannot_hand_over(why))?;
        }
        if asking.hand_over {
            self.hand_over(&asking.leaders, "Switchover: handed over by its operator");
        }
        Ok(heirs)
    }

    /// All that moves with these; to whom is not known.
    fn heirs(&self, leaders: &[InstanceId]) -> Vec<Heir> {
        let words = Words {
            settings: &self.settings,
        };
        let moving = leaders.iter().flat_map(|id| self.election.moves_with(*id));
        let moving: BTreeMap<_, _> = moving
            .map(|id| (id, words.instance(id).to_owned()))
            .collect();
        let heir = |instance| Heir {
            instance,
            peer: None,
        };
        moving.into_values().map(heir).collect()
    }

    fn view(&self, id: InstanceId) -> InstanceView {
        self.election.instance(id)
    }

    fn notable(&mut self, text: &str, id: InstanceId) {
        let words = Words {
            settings: &self.settings,
        };
        let text = format!("({}) {text}", words.instance(id));
        self.log.line(Level::Notice, &text);
        self.events.add(text);
    }

    fn name(&self, id: InstanceId) -> String {
        let settings = &self.settings;
        Words { settings }.instance(id).to_owned()
    }

    fn cannot_hand_over(&self, why: CannotHandOver) -> String {
        match why {
            CannotHandOver::NotMaster(id, role) => {
                format!("{} is not master here, but {role}", self.name(id))
            }
            CannotHandOver::UnderWay(id) => {
                format!("{} is being handed over already", self.name(id))
            }
        }
    }

    fn cannot_take_back(&self, id: InstanceId, why: CannotTakeBack) -> String {
        match why {
            CannotTakeBack::NothingHandedOver => format!(
                "{} has not been handed over, or has come back since",
                self.name(id)
            ),
            CannotTakeBack::Outranked(id, theirs) => format!(
                "{}: the master's priority is {theirs}, ours {}: hand it over there instead",
                self.name(id),
                self.view(id).priority
            ),
            CannotTakeBack::Unfit(id, role) => format!("{} is in {role} here", self.name(id)),
            CannotTakeBack::Held(id, hold) => {
                format!("{}: {}", self.name(id), words::hold(hold))
            }
        }
    }
}
