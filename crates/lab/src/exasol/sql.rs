//! The statements there are:
//!
//! ```text
//! SELECT 1                                   any number
//! SELECT IPROC()                             the node of the session, from 0
//! SELECT SLEEP(1.5)                          1, after so many seconds (a script of this database)
//! SELECT * FROM VALUES BETWEEN 1 AND 100000  so many rows
//! SELECT * FROM <table>, SELECT COUNT(*) FROM <table>
//! CREATE OR REPLACE TABLE <table> (<column> <type>, …)
//! EXPORT <table> INTO CSV …, EXPORT (<select>) INTO CSV …, IMPORT INTO <table> FROM CSV …
//! ```

use std::{net::SocketAddr, sync::LazyLock, time::Duration};

use regex::{Captures, Regex};

use super::tunnel::Endpoint;

/// A statement, understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    Select(Query),
    Sleep(Duration),
    Create { table: String, columns: Vec<String> },
    Export { source: Query, to: Endpoint },
    Import { table: String, from: Endpoint },
}

/// What yields rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    Number(i64),
    Node,
    Values(i64, i64),
    Table(String),
    Count(String),
}

/// Why a statement fails: the SQL state and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }
}

const NAME: &str = r#"([\w."]+)"#;
const AT: &str =
    r"AT\s+'(https?)://([\d.:]+)'(?:\s+PUBLIC\s+KEY\s+'sha256//([^']+)')?\s+FILE\s+'([^']+)'";

struct Grammar {
    number: Regex,
    node: Regex,
    sleep: Regex,
    values: Regex,
    table: Regex,
    count: Regex,
    create: Regex,
    export_table: Regex,
    export_query: Regex,
    import: Regex,
}

static GRAMMAR: LazyLock<Option<Grammar>> = LazyLock::new(Grammar::new);

impl Grammar {
    fn new() -> Option<Self> {
        let rule = |text: &str| Regex::new(&format!(r"(?is)^\s*{text}\s*$")).ok();
        Some(Self {
            number: rule(r"SELECT\s+(-?\d+)")?,
            node: rule(r"SELECT\s+IPROC\(\)")?,
            sleep: rule(r"SELECT\s+SLEEP\(([\d.]+)\)")?,
            values: rule(r"SELECT\s+\*\s+FROM\s+VALUES\s+BETWEEN\s+(-?\d+)\s+AND\s+(-?\d+)")?,
            table: rule(&format!(r"SELECT\s+\*\s+FROM\s+{NAME}"))?,
            count: rule(&format!(r"SELECT\s+COUNT\(\*\)\s+FROM\s+{NAME}"))?,
            create: rule(&format!(
                r"CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+{NAME}\s*\((.*)\)"
            ))?,
            export_table: rule(&format!(r"EXPORT\s+{NAME}\s+INTO\s+CSV\s+{AT}"))?,
            export_query: rule(&format!(r"EXPORT\s+\((.*)\)\s+INTO\s+CSV\s+{AT}"))?,
            import: rule(&format!(r"IMPORT\s+INTO\s+{NAME}\s+FROM\s+CSV\s+{AT}"))?,
        })
    }
}

/// Reads a statement.
pub(super) fn parse(text: &str) -> Result<Statement, Fault> {
    let unknown = || {
        Fault::new(
            "42000",
            format!("syntax error, unexpected statement: {text}"),
        )
    };
    let grammar = GRAMMAR.as_ref().ok_or_else(unknown)?;
    if let Some(found) = query(grammar, text) {
        return Ok(Statement::Select(found));
    }
    let statement = if let Some(found) = grammar.sleep.captures(text) {
        let seconds = found[1].parse().ok();
        seconds
            .and_then(|it| Duration::try_from_secs_f64(it).ok())
            .map(Statement::Sleep)
    } else if let Some(found) = grammar.create.captures(text) {
        Some(create(&found))
    } else if let Some(found) = grammar.export_table.captures(text) {
        let source = Query::Table(found[1].to_owned());
        endpoint(&found).map(|to| Statement::Export { source, to })
    } else if let Some(found) = grammar.export_query.captures(text) {
        let source = query(grammar, &found[1]).ok_or_else(unknown)?;
        endpoint(&found).map(|to| Statement::Export { source, to })
    } else if let Some(found) = grammar.import.captures(text) {
        let table = found[1].to_owned();
        endpoint(&found).map(|from| Statement::Import { table, from })
    } else {
        None
    };
    statement.ok_or_else(unknown)
}

fn query(grammar: &Grammar, text: &str) -> Option<Query> {
    if grammar.node.is_match(text) {
        return Some(Query::Node);
    }
    if let Some(found) = grammar.number.captures(text) {
        return found[1].parse().ok().map(Query::Number);
    }
    if let Some(found) = grammar.values.captures(text) {
        return Some(Query::Values(
            found[1].parse().ok()?,
            found[2].parse().ok()?,
        ));
    }
    if let Some(found) = grammar.count.captures(text) {
        return Some(Query::Count(found[1].to_owned()));
    }
    let found = grammar.table.captures(text)?;
    Some(Query::Table(found[1].to_owned()))
}

fn create(found: &Captures<'_>) -> Statement {
    // `DECIMAL(18,0)` has a comma of its own; what is behind it names no column.
    let columns = found[2]
        .split(',')
        .filter_map(|column| column.split_whitespace().next())
        .filter(|name| name.starts_with(char::is_alphabetic))
        .map(str::to_uppercase)
        .collect();
    Statement::Create {
        table: found[1].to_owned(),
        columns,
    }
}

/// The groups of [`AT`] stand behind the first one.
fn endpoint(found: &Captures<'_>) -> Option<Endpoint> {
    let address: SocketAddr = found[3].parse().ok()?;
    Some(Endpoint {
        address,
        tls: found[2].eq_ignore_ascii_case("https"),
        key: found.get(4).map(|key| key.as_str().to_owned()),
        file: found[5].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: Option<&str>) -> Endpoint {
        Endpoint {
            address: "10.77.0.11:20001".parse().unwrap(),
            tls: key.is_some(),
            key: key.map(str::to_owned),
            file: "000.csv".into(),
        }
    }

    #[test]
    fn what_pyexasol_writes_is_understood() {
        let import = "IMPORT INTO t FROM CSV\nAT 'https://10.77.0.11:20001' PUBLIC KEY 'sha256//AbC+/=' FILE '000.csv'";
        let from = at(Some("AbC+/="));
        let table = "t".to_owned();
        assert_eq!(parse(import), Ok(Statement::Import { table, from }));
        let export =
            "EXPORT (\nSELECT * FROM t\n) INTO CSV\nAT 'http://10.77.0.11:20001' FILE '000.csv'";
        let source = Query::Table("t".into());
        let to = at(None);
        assert_eq!(parse(export), Ok(Statement::Export { source, to }));
    }

    #[test]
    fn a_table_is_made_of_names() {
        let text = "CREATE OR REPLACE TABLE t (id DECIMAL(18,0), name VARCHAR(100))";
        let made = Statement::Create {
            table: "t".into(),
            columns: vec!["ID".into(), "NAME".into()],
        };
        assert_eq!(parse(text), Ok(made));
    }

    #[test]
    fn anything_else_is_a_syntax_error() {
        assert_eq!(parse("DROP TABLE t").unwrap_err().code, "42000");
    }
}
