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
    ($($variant:ident $name:ident $origin:ident $nature:ident $extent:ident,)*) => {
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
    Pxname pxname Key Name Service,
    Svname svname Key Name Service,
    Qcur qcur Metric Gauge Process,
    Qmax qmax Metric Max Process,
    Scur scur Metric Gauge Process,
    Smax smax Metric Max Process,
    Slim slim Config Limit Process,
    Stot stot Metric Counter Process,
    Bin bin Metric Counter Process,
    Bout bout Metric Counter Process,
    Dreq dreq Metric Counter Process,
    Dresp dresp Metric Counter Process,
    Ereq ereq Metric Counter Process,
    Econ econ Metric Counter Process,
    Eresp eresp Metric Counter Process,
    Wretr wretr Metric Counter Process,
    Wredis wredis Metric Counter Process,
    Status status Status Gauge Process,
    Weight weight Metric Avg Process,
    Act act Status Gauge Process,
    Bck bck Status Gauge Process,
    Chkfail chkfail Metric Counter Process,
    Chkdown chkdown Metric Counter Process,
    Lastchg lastchg Metric Age Process,
    Downtime downtime Metric Counter Process,
    Qlimit qlimit Config Gauge Service,
    Pid pid Key Gauge Process,
    Iid iid Key Gauge Service,
    Sid sid Key Gauge Service,
    Throttle throttle Metric Avg Process,
    Lbtot lbtot Metric Counter Process,
    Tracked tracked Config Name Service,
    Type type Config Gauge Service,
    Rate rate Metric Rate Process,
    RateLim rate_lim Config Limit Process,
    RateMax rate_max Metric Max Process,
    CheckStatus check_status Metric Output Process,
    CheckCode check_code Metric Output Process,
    CheckDuration check_duration Metric Duration Process,
    Hrsp1xx hrsp_1xx Metric Counter Process,
    Hrsp2xx hrsp_2xx Metric Counter Process,
    Hrsp3xx hrsp_3xx Metric Counter Process,
    Hrsp4xx hrsp_4xx Metric Counter Process,
    Hrsp5xx hrsp_5xx Metric Counter Process,
    HrspOther hrsp_other Metric Counter Process,
    Hanafail hanafail Metric Output Process,
    ReqRate req_rate Metric Rate Process,
    ReqRateMax req_rate_max Metric Max Process,
    ReqTot req_tot Metric Counter Process,
    CliAbrt cli_abrt Metric Counter Process,
    SrvAbrt srv_abrt Metric Counter Process,
    CompIn comp_in Metric Counter Process,
    CompOut comp_out Metric Counter Process,
    CompByp comp_byp Metric Counter Process,
    CompRsp comp_rsp Metric Counter Process,
    Lastsess lastsess Metric Age Process,
    LastChk last_chk Metric Output Process,
    LastAgt last_agt Metric Output Process,
    Qtime qtime Metric Avg Process,
    Ctime ctime Metric Avg Process,
    Rtime rtime Metric Avg Process,
    Ttime ttime Metric Avg Process,
    AgentStatus agent_status Metric Output Process,
    AgentCode agent_code Metric Output Process,
    AgentDuration agent_duration Metric Duration Process,
    CheckDesc check_desc Metric Output Process,
    AgentDesc agent_desc Metric Output Process,
    CheckRise check_rise Config Gauge Service,
    CheckFall check_fall Config Gauge Service,
    CheckHealth check_health Config Gauge Service,
    AgentRise agent_rise Config Gauge Service,
    AgentFall agent_fall Config Gauge Service,
    AgentHealth agent_health Config Gauge Service,
    Addr addr Config Gauge Service,
    Cookie cookie Config Name Service,
    Mode mode Config Gauge Service,
    Algo algo Config Gauge Service,
    ConnRate conn_rate Metric Rate Process,
    ConnRateMax conn_rate_max Metric Max Process,
    ConnTot conn_tot Metric Counter Process,
    Intercepted intercepted Metric Counter Process,
    Dcon dcon Metric Counter Process,
    Dses dses Metric Counter Process,
    Wrew wrew Metric Counter Process,
    Connect connect Metric Counter Process,
    Reuse reuse Metric Counter Process,
    CacheLookups cache_lookups Metric Counter Process,
    CacheHits cache_hits Metric Counter Process,
    SrvIcur srv_icur Metric Gauge Process,
    SrcIlim src_ilim Config Limit Process,
    QtimeMax qtime_max Metric Max Process,
    CtimeMax ctime_max Metric Max Process,
    RtimeMax rtime_max Metric Max Process,
    TtimeMax ttime_max Metric Max Process,
    Eint eint Metric Counter Process,
    IdleConnCur idle_conn_cur Metric Gauge Process,
    SafeConnCur safe_conn_cur Metric Gauge Process,
    UsedConnCur used_conn_cur Metric Gauge Process,
    NeedConnEst need_conn_est Metric Gauge Process,
    Uweight uweight Metric Avg Process,
    AggServerStatus agg_server_status Metric Gauge Process,
    AggServerCheckStatus agg_server_check_status Metric Gauge Process,
    AggCheckStatus agg_check_status Metric Gauge Process,
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
}
