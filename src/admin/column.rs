//! The columns of a statistics row, in the order that tools rely on
//! (HAProxy management manual, 9.1), with the tags of the typed formats (9.2).

use serde::Serialize;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Origin {
    Metric,
    Status,
    Key,
    Config,
    /// What the program is.
    Product,
}

/// How a value evolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Nature {
    Age,
    Avg,
    Counter,
    Duration,
    Gauge,
    Limit,
    Max,
    Name,
    Output,
    Rate,
}

/// For whom a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Extent {
    Process,
    Service,
}

/// What an aggregator must know of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Tags {
    pub(crate) origin: Origin,
    pub(crate) nature: Nature,
    #[serde(rename = "scope")]
    pub(crate) extent: Extent,
}

macro_rules! columns {
    ($($variant:ident $name:ident $origin:ident $nature:ident $extent:ident $what:literal,)*) => {
        /// A column; its number is its position.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Column {
            $($variant,)*
        }

        impl Column {
            /// All, in order.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its title in the CSV.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// What it means (`desc`).
            pub(crate) const fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => $what,)*
                }
            }

            const fn usual_tags(self) -> Tags {
                match self {
                    $(Self::$variant => Tags {
                        origin: Origin::$origin,
                        nature: Nature::$nature,
                        extent: Extent::$extent,
                    },)*
                }
            }
        }
    };
}

columns! {
    Pxname pxname Key Name Service "Name of the proxy.",
    Svname svname Key Name Service "Name of the server or listener; FRONTEND or BACKEND for a proxy's own rows.",
    Qcur qcur Metric Gauge Process "Sessions that wait in the queue now.",
    Qmax qmax Metric Max Process "Most sessions that have waited at once.",
    Scur scur Metric Gauge Process "Sessions now.",
    Smax smax Metric Max Process "Most sessions at once.",
    Slim slim Config Limit Process "Sessions allowed at once; of a backend, those at which it counts as full.",
    Stot stot Metric Counter Process "Sessions since the start.",
    Bin bin Metric Counter Process "Bytes from clients.",
    Bout bout Metric Counter Process "Bytes to clients.",
    Dreq dreq Metric Counter Process "Sessions refused by rules.",
    Dresp dresp Metric Counter Process "Answers refused by rules.",
    Ereq ereq Metric Counter Process "Requests that could not be understood, or never came.",
    Econ econ Metric Counter Process "Attempts to connect to a server that failed.",
    Eresp eresp Metric Counter Process "Answers that broke off or made no sense.",
    Wretr wretr Metric Counter Process "Attempts to connect that were repeated.",
    Wredis wredis Metric Counter Process "Sessions that went to another server than the first chosen.",
    Status status Status Gauge Process "State: of a frontend whether it listens, of a backend whether it can serve, of a server what checks and administrators say.",
    Weight weight Metric Avg Process "Weight in force; of a backend, that of all its usable servers.",
    Act act Status Gauge Process "Servers in use that are no backups.",
    Bck bck Status Gauge Process "Backup servers in use.",
    Chkfail chkfail Metric Counter Process "Checks that failed while the server was up.",
    Chkdown chkdown Metric Counter Process "Times it went from up to down.",
    Lastchg lastchg Metric Age Process "Seconds since it last went up or down.",
    Downtime downtime Metric Counter Process "Seconds without service, altogether.",
    Qlimit qlimit Config Gauge Service "Sessions allowed in the queue of the server.",
    Pid pid Key Gauge Process "Number of the worker process: always 1.",
    Iid iid Key Gauge Service "Number of the proxy.",
    Sid sid Key Gauge Service "Number of the server or listener in its proxy.",
    Throttle throttle Metric Avg Process "Share of its weight that a server has reached in its slow start, in percent.",
    Lbtot lbtot Metric Counter Process "Times the server was picked by balancing.",
    Tracked tracked Config Name Service "Server whose state this one goes by.",
    Type type Config Gauge Service "What the row is about: 0 frontend, 1 backend, 2 server, 3 listener.",
    Rate rate Metric Rate Process "New sessions in the last second.",
    RateLim rate_lim Config Limit Process "New sessions allowed a second.",
    RateMax rate_max Metric Max Process "Most new sessions in a second.",
    CheckStatus check_status Metric Output Process "Result of the last check, in short.",
    CheckCode check_code Metric Output Process "What the checked protocol answered, as a number.",
    CheckDuration check_duration Metric Duration Process "Milliseconds that the last check took.",
    Hrsp1xx hrsp_1xx Metric Counter Process "HTTP answers of the class 1xx.",
    Hrsp2xx hrsp_2xx Metric Counter Process "HTTP answers of the class 2xx.",
    Hrsp3xx hrsp_3xx Metric Counter Process "HTTP answers of the class 3xx.",
    Hrsp4xx hrsp_4xx Metric Counter Process "HTTP answers of the class 4xx.",
    Hrsp5xx hrsp_5xx Metric Counter Process "HTTP answers of the class 5xx.",
    HrspOther hrsp_other Metric Counter Process "HTTP answers of no known class.",
    Hanafail hanafail Metric Output Process "Failures seen in live traffic: it is not watched for them.",
    ReqRate req_rate Metric Rate Process "HTTP requests in the last second.",
    ReqRateMax req_rate_max Metric Max Process "Most HTTP requests in a second.",
    ReqTot req_tot Metric Counter Process "HTTP requests since the start.",
    CliAbrt cli_abrt Metric Counter Process "Sessions that their clients broke off.",
    SrvAbrt srv_abrt Metric Counter Process "Sessions that their servers broke off.",
    CompIn comp_in Metric Counter Process "Bytes given to compression: there is none.",
    CompOut comp_out Metric Counter Process "Bytes that compression returned: there is none.",
    CompByp comp_byp Metric Counter Process "Bytes that compression left alone: there is none.",
    CompRsp comp_rsp Metric Counter Process "Answers that were compressed: there are none.",
    Lastsess lastsess Metric Age Process "Seconds since a session was last given to it; -1: none yet.",
    LastChk last_chk Metric Output Process "What the last check saw.",
    LastAgt last_agt Metric Output Process "What the agent said last.",
    Qtime qtime Metric Avg Process "Milliseconds in the queue, as an average over the last 1024 sessions.",
    Ctime ctime Metric Avg Process "Milliseconds until the server was connected, as an average over the last 1024 sessions.",
    Rtime rtime Metric Avg Process "Milliseconds until the server answered, as an average over the last 1024 requests; 0 in mode tcp.",
    Ttime ttime Metric Avg Process "Milliseconds that a session lasted, as an average over the last 1024.",
    AgentStatus agent_status Metric Output Process "Result of asking the agent, in short.",
    AgentCode agent_code Metric Output Process "A number that came with that result.",
    AgentDuration agent_duration Metric Duration Process "Milliseconds that asking the agent took.",
    CheckDesc check_desc Metric Output Process "The result of the last check in words.",
    AgentDesc agent_desc Metric Output Process "The result of asking the agent in words.",
    CheckRise check_rise Config Gauge Service "Passed checks in a row that bring the server up.",
    CheckFall check_fall Config Gauge Service "Failed checks in a row that take it down.",
    CheckHealth check_health Config Gauge Service "Where the server stands between the two; it is up from check_rise on.",
    AgentRise agent_rise Config Gauge Service "The same as check_rise, of the agent.",
    AgentFall agent_fall Config Gauge Service "The same as check_fall, of the agent.",
    AgentHealth agent_health Config Gauge Service "The same as check_health, of the agent.",
    Addr addr Config Gauge Service "Address and port.",
    Cookie cookie Config Name Service "Cookie that stands for the server.",
    Mode mode Config Gauge Service "What is balanced: tcp, or http on a proxy that serves statistics.",
    Algo algo Config Gauge Service "How servers are chosen.",
    ConnRate conn_rate Metric Rate Process "New connections in the last second.",
    ConnRateMax conn_rate_max Metric Max Process "Most new connections in a second.",
    ConnTot conn_tot Metric Counter Process "Connections since the start.",
    Intercepted intercepted Metric Counter Process "Requests answered by the statistics.",
    Dcon dcon Metric Counter Process "Connections refused by rules about connections.",
    Dses dses Metric Counter Process "Sessions refused by rules about sessions.",
    Wrew wrew Metric Counter Process "Headers that could not be rewritten: none is.",
    Connect connect Metric Counter Process "Attempts to connect to a server.",
    Reuse reuse Metric Counter Process "Connections to servers that were used again: none is.",
    CacheLookups cache_lookups Metric Counter Process "Looks into a cache: there is none.",
    CacheHits cache_hits Metric Counter Process "What a cache had: there is none.",
    SrvIcur srv_icur Metric Gauge Process "Idle connections kept for later: none is.",
    SrcIlim src_ilim Config Limit Process "Idle connections allowed: none is kept.",
    QtimeMax qtime_max Metric Max Process "Longest time in the queue, in milliseconds.",
    CtimeMax ctime_max Metric Max Process "Longest time until the server was connected, in milliseconds.",
    RtimeMax rtime_max Metric Max Process "Longest time until the server answered, in milliseconds.",
    TtimeMax ttime_max Metric Max Process "Longest session, in milliseconds.",
    Eint eint Metric Counter Process "Sessions that ended by an error of our own.",
    IdleConnCur idle_conn_cur Metric Gauge Process "Idle connections that may not be shared: none is kept.",
    SafeConnCur safe_conn_cur Metric Gauge Process "Idle connections that may be shared: none is kept.",
    UsedConnCur used_conn_cur Metric Gauge Process "Connections to the server in use.",
    NeedConnEst need_conn_est Metric Gauge Process "Connections the server is expected to need.",
    Uweight uweight Metric Avg Process "Weight that was set; of a backend, that of all its usable servers.",
    AggServerStatus agg_server_status Metric Gauge Process "Number of servers in a state, for metrics only.",
    AggServerCheckStatus agg_server_check_status Metric Gauge Process "Number of servers in a state of their checks, for metrics only.",
    AggCheckStatus agg_check_status Metric Gauge Process "Number of servers with a result of their checks, for metrics only.",
}

impl Column {
    /// Its position, from 0.
    pub(crate) const fn position(self) -> usize {
        self as usize
    }

    /// Its tags in a row of this kind.
    pub(crate) const fn tags(self, kind: super::snapshot::Kind) -> Tags {
        let usual = self.usual_tags();
        // Four columns of a backend are sums over its servers, and tagged so.
        match (self, kind) {
            (
                Self::Act | Self::Bck | Self::Rate | Self::RateMax,
                super::snapshot::Kind::Backend,
            ) => Tags {
                origin: Origin::Metric,
                nature: Nature::Gauge,
                extent: usual.extent,
            },
            _ => usual,
        }
    }
}

impl Tags {
    /// The three letters of the typed format.
    pub(crate) const fn letters(self) -> [char; 3] {
        let origin = match self.origin {
            Origin::Metric => 'M',
            Origin::Status => 'S',
            Origin::Key => 'K',
            Origin::Config => 'C',
            Origin::Product => 'P',
        };
        let nature = match self.nature {
            Nature::Age => 'A',
            Nature::Avg => 'a',
            Nature::Counter => 'C',
            Nature::Duration => 'D',
            Nature::Gauge => 'G',
            Nature::Limit => 'L',
            Nature::Max => 'M',
            Nature::Name => 'N',
            Nature::Output => 'O',
            Nature::Rate => 'R',
        };
        let extent = match self.extent {
            Extent::Process => 'P',
            Extent::Service => 'S',
        };
        [origin, nature, extent]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_find_columns_where_they_have_always_been() {
        assert_eq!(Column::ALL.len(), 103);
        assert_eq!(Column::Status.position(), 17);
        assert_eq!(Column::CheckStatus.position(), 36);
        assert_eq!(Column::Addr.position(), 73);
        assert_eq!(Column::AggCheckStatus.position(), 102);
        assert_eq!(Column::SrcIlim.name(), "src_ilim");
    }

    #[test]
    fn every_column_is_described_in_a_sentence() {
        for column in Column::ALL {
            let what = column.what();
            assert!(what.ends_with('.') && !what.contains('"'), "{what}");
        }
    }
}
