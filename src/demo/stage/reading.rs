//! What a node tells, as sightings.

use crate::{
    demo::{
        deed::{DatabaseId, NodeId},
        picture::{Role, Sighting},
        place,
    },
    election::status::Status,
    node::status::{Answer, ProcessState},
};

/// From the answer to `pontoon status`; `None` if it is none.
pub(super) fn election(node: NodeId, line: &str) -> Option<Sighting> {
    let Answer::Status(status) = serde_json::from_str(line).ok()? else {
        return None;
    };
    let proxy = status.proxy.is_some_and(|it| it.state == ProcessState::Up);
    let vrrp = status.vrrp.and_then(|it| serde_json::from_value(it).ok());
    let instance = vrrp.and_then(|vrrp: Status| vrrp.instances.into_iter().next());
    let mut floating = instance.iter().flat_map(|it| &it.floating_ips);
    Some(Sighting::Election {
        node,
        role: instance.as_ref().map_or(Role::Unknown, |it| role(&it.role)),
        proxy,
        alarm: floating.any(|it| it.alarm.is_some()),
    })
}

fn role(name: &str) -> Role {
    match name {
        "INIT" => Role::Init,
        "BACKUP" => Role::Backup,
        "MASTER" => Role::Master,
        "FAULT" => Role::Fault,
        _ => Role::Unknown,
    }
}

/// From the statistics as CSV (HAProxy management manual, 9.1), found by the column's name.
pub(super) fn servers(csv: &str) -> [Option<bool>; 3] {
    let mut lines = csv.lines().skip_while(|line| !line.starts_with("# "));
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let column = |name: &str| header.split(',').position(|column| column == name);
    let (Some(name), Some(status)) = (column("svname"), column("status")) else {
        return [None; 3];
    };
    let rows: Vec<Vec<_>> = lines.map(|line| line.split(',').collect()).collect();
    DatabaseId::ALL.map(|id| {
        let address = place::database(id).to_string().replace('.', "-");
        let is_it = |row: &&Vec<&str>| row.get(name).is_some_and(|it| it.contains(&address));
        let row = rows.iter().find(is_it)?;
        Some(row.get(status)?.starts_with("UP"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "HTTP/1.0 200 OK\r\n\r\n# pxname,svname,status,weight,\n\
        exasol_proxy,ip-10-0-1-11.eu-west-1.compute.internal,UP 1/3,1,\n\
        exasol_proxy,ip-10-0-1-12.eu-west-1.compute.internal,DOWN 1/2,1,\n";

    #[test]
    fn servers_are_found_by_their_names() {
        assert_eq!(servers(CSV), [Some(true), Some(false), None]);
        assert_eq!(servers("HTTP/1.0 401 Unauthorized\r\n\r\n"), [None; 3]);
    }

    #[test]
    fn what_is_no_status_is_no_sighting() {
        assert_eq!(election(NodeId::One, ""), None);
        assert_eq!(election(NodeId::One, "{\"refused\":\"no\"}"), None);
    }

    #[test]
    fn a_node_without_an_election_has_no_role() {
        let line = "{\"status\":{\"version\":\"1\",\"pid\":1,\"running_for\":1.0,\"stopping\":\
                    false,\"proxy\":{\"state\":\"up\",\"pid\":2,\"up_for\":1.0,\"restarts\":0,\
                    \"last_end\":null},\"servers\":null,\"election\":null,\"vrrp\":null}}";
        assert_eq!(
            election(NodeId::Two, line),
            Some(Sighting::Election {
                node: NodeId::Two,
                role: Role::Unknown,
                proxy: true,
                alarm: false,
            })
        );
    }
}
