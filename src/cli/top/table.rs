//! What the runtime protocol tells, as rows (HAProxy management manual, 9.1 and 9.3).

use std::collections::HashMap;

/// A row of `show stat`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The proxy.
    pub(super) proxy: String,
    /// `FRONTEND`, `BACKEND`, or the server's or listener's name.
    pub(super) name: String,
    pub(super) kind: Kind,
    fields: HashMap<String, String>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Frontend,
    Backend,
    #[default]
    Server,
    Listener,
}

impl Row {
    /// A column's text; empty if there is none.
    pub(super) fn text(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }

    /// A column's number.
    pub(super) fn number(&self, column: &str) -> Option<u64> {
        self.text(column).parse().ok()
    }

    /// `be/s1`, which no other row has.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.proxy, self.name)
    }
}

/// The rows of a CSV: columns are found by their names, and quoted fields may hold commas.
pub(super) fn rows(csv: &str) -> Vec<Row> {
    let mut lines = csv.lines().skip_while(|line| !line.starts_with("# "));
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let names = fields(header);
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines.map(|line| row(&names, fields(line))).collect()
}

fn row(names: &[String], values: Vec<String>) -> Row {
    let fields: HashMap<_, _> = names.iter().cloned().zip(values).collect();
    let text = |column: &str| fields.get(column).cloned().unwrap_or_default();
    let kind = match text("type").as_str() {
        "0" => Kind::Frontend,
        "1" => Kind::Backend,
        "3" => Kind::Listener,
        _ => Kind::Server,
    };
    Row {
        proxy: text("pxname"),
        name: text("svname"),
        kind,
        fields,
    }
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// The lines of `show info`, by name.
pub(super) fn info(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cli::top) const CSV: &str = "\
# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,rate,status,weight,act,bck,type,last_chk,lastchg,
fe,FRONTEND,,,3,9,4000,1000,5000,70000,12,OPEN,,,,0,,,
be,s1,0,0,2,5,100,600,2500,40000,7,UP,1,1,0,2,\"Layer4, ok\",30,
be,s2,0,1,0,4,100,400,2500,30000,0,DOWN 1/2,1,1,0,2,\"said \"\"no\"\"\",7,
be,BACKEND,0,1,2,9,400,1000,5000,70000,7,UP,1,1,0,1,,30,
";

    #[test]
    fn columns_are_found_by_name_and_quotes_are_undone() {
        let rows = rows(CSV);
        let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(
            kinds,
            [Kind::Frontend, Kind::Server, Kind::Server, Kind::Backend]
        );
        assert_eq!(rows[1].id(), "be/s1");
        assert_eq!(rows[1].number("scur"), Some(2));
        assert_eq!(rows[1].text("last_chk"), "Layer4, ok");
        assert_eq!(rows[2].text("last_chk"), "said \"no\"");
        assert_eq!(rows[0].number("qcur"), None);
        assert_eq!(rows[0].text("nonsense"), "");
    }

    #[test]
    fn whatever_comes_is_read_or_not() {
        assert_eq!(super::rows(""), []);
        assert_eq!(super::rows("Unknown command"), []);
    }

    #[test]
    fn figures_are_read() {
        let info = info("Name: HAProxy\nUptime: 0d 0h00m05s\nCurrConns: 3\n");
        assert_eq!(info["CurrConns"], "3");
        assert_eq!(info["Uptime"], "0d 0h00m05s");
    }
}
