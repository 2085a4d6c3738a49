//! What each key does.

use super::{
    deed::{DatabaseId, Deed, NodeId, Power},
    picture::Picture,
};

/// The cloud's API.
pub(super) const API: char = 'e';
/// The link between the nodes.
pub(super) const LINK: char = 'l';
const HEAL: char = 'h';
const QUIT: char = 'q';
/// The third control character: Ctrl-C, where the terminal does not make a signal of it.
const INTERRUPT: char = '\u{3}';

/// The keys that are not written beside the thing they are about.
pub(super) const LEGEND: [(char, &str); 2] = [(HEAL, "heal everything"), (QUIT, "quit")];
/// All others, for whoever sees no picture.
pub(super) const KEYS: &str = "1 2: a node's power; p o: its proxy; a b c: a database; \
                               e: the cloud's API; l: the link; h: heal everything; q: quit";

/// A node's power.
pub(super) const fn power(node: NodeId) -> char {
    match node {
        NodeId::One => '1',
        NodeId::Two => '2',
    }
}

/// A node's proxy.
pub(super) const fn proxy(node: NodeId) -> char {
    match node {
        NodeId::One => 'p',
        NodeId::Two => 'o',
    }
}

/// A database.
pub(super) fn database(DatabaseId(index): DatabaseId) -> char {
    ['a', 'b', 'c'].get(index).copied().unwrap_or('?')
}

/// What a key asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// These.
    Do(Vec<Deed>),
    /// The end.
    Quit,
    /// It means nothing.
    Nothing,
}

/// What this key means where things are like that: most of them break something, and mend it
/// when it is broken.
pub(super) fn wish(key: char, picture: &Picture) -> Wish {
    match key {
        QUIT | 'Q' | INTERRUPT => return Wish::Quit,
        HEAL => return Wish::Do(heal(picture)),
        _ => {}
    }
    let deeds = [Deed::Api(flip(picture.api)), Deed::Link(flip(picture.link))];
    let [api, link] = deeds;
    let deed = match key {
        API => Some(api),
        LINK => Some(link),
        _ => of_node(key, picture).or_else(|| of_database(key, picture)),
    };
    deed.map_or(Wish::Nothing, |deed| Wish::Do(vec![deed]))
}

fn of_node(key: char, picture: &Picture) -> Option<Deed> {
    NodeId::BOTH.into_iter().find_map(|id| {
        let on = picture.node(id).on;
        match key {
            _ if key == power(id) && on => Some(Deed::KillNode(id)),
            _ if key == power(id) => Some(Deed::StartNode(id)),
            _ if key == proxy(id) && on => Some(Deed::KillProxy(id)),
            _ => None,
        }
    })
}

fn of_database(key: char, picture: &Picture) -> Option<Deed> {
    let id = DatabaseId::ALL
        .into_iter()
        .find(|id| key == database(*id))?;
    Some(if picture.databases[id.0] {
        Deed::KillDatabase(id)
    } else {
        Deed::StartDatabase(id)
    })
}

/// Whatever mends what is broken.
fn heal(picture: &Picture) -> Vec<Deed> {
    let mut deeds = Vec::new();
    if picture.api == Power::Off {
        deeds.push(Deed::Api(Power::On));
    }
    if picture.link == Power::Off {
        deeds.push(Deed::Link(Power::On));
    }
    let off = NodeId::BOTH.into_iter().filter(|id| !picture.node(*id).on);
    deeds.extend(off.map(Deed::StartNode));
    let dead = DatabaseId::ALL
        .into_iter()
        .filter(|id| !picture.databases[id.0]);
    deeds.extend(dead.map(Deed::StartDatabase));
    deeds
}

const fn flip(power: Power) -> Power {
    match power {
        Power::On => Power::Off,
        Power::Off => Power::On,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn press(picture: &mut Picture, key: char) -> Vec<Deed> {
        let Wish::Do(deeds) = wish(key, picture) else {
            return Vec::new();
        };
        for deed in &deeds {
            picture.did(*deed, "you", Instant::now());
        }
        deeds
    }

    #[test]
    fn a_key_breaks_what_works_and_mends_what_is_broken() {
        let mut picture = Picture::new(Instant::now());
        let (one, database) = (NodeId::One, DatabaseId(2));
        let pairs = [
            ('1', Deed::KillNode(one), Deed::StartNode(one)),
            (
                'c',
                Deed::KillDatabase(database),
                Deed::StartDatabase(database),
            ),
            ('e', Deed::Api(Power::Off), Deed::Api(Power::On)),
            ('l', Deed::Link(Power::Off), Deed::Link(Power::On)),
        ];
        for (key, breaks, mends) in pairs {
            assert_eq!(press(&mut picture, key), [breaks]);
            assert_eq!(press(&mut picture, key), [mends]);
        }
    }

    #[test]
    fn a_proxy_comes_back_by_itself_and_dies_with_its_node() {
        let mut picture = Picture::new(Instant::now());
        let kill = Deed::KillProxy(NodeId::Two);
        assert_eq!(press(&mut picture, 'o'), [kill]);
        assert_eq!(press(&mut picture, 'o'), [kill]);
        press(&mut picture, '2');
        assert_eq!(press(&mut picture, 'o'), []);
    }

    #[test]
    fn healing_mends_all_that_is_broken_and_nothing_else() {
        let mut picture = Picture::new(Instant::now());
        for key in ['2', 'b', 'e', 'l'] {
            press(&mut picture, key);
        }
        assert_eq!(press(&mut picture, 'h').len(), 4);
        assert_eq!(press(&mut picture, 'h'), []);
    }

    #[test]
    fn other_keys_mean_nothing() {
        let picture = Picture::new(Instant::now());
        assert_eq!(wish('x', &picture), Wish::Nothing);
        assert_eq!(wish('\u{3}', &picture), Wish::Quit);
    }
}
