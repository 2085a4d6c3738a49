//! What the manual's chapter 7 knows and Pontoon does not: refused by name, with the reason.

use super::{CONVERTERS, Call, FETCHES};
use crate::{diagnostic::Diagnostics, similar::nearest};

/// Methods that are refused for one reason.
#[derive(Debug)]
pub(crate) struct RefusedMethods {
    /// Why, and what to do instead.
    pub reason: &'static str,
    /// Fetch methods.
    pub fetches: &'static [&'static str],
    /// Converters.
    pub converters: &'static [&'static str],
}

/// All refused methods. Methods `sc_…` stand for `sc0_…`, `sc1_…` and `sc2_…` as well.
#[rustfmt::skip]
pub(crate) static REFUSED: &[RefusedMethods] = &[
    RefusedMethods {
        reason: "there are no stick tables yet",
        fetches: STICK_TABLES,
        converters: STICK_TABLE_CONVERTERS,
    },
    RefusedMethods {
        reason: "it needs HTTP, and HTTP is not forwarded",
        fetches: HTTP,
        converters: &[],
    },
    RefusedMethods {
        reason: "TLS is passed through, so that only the ClientHello can be seen: req.ssl_sni, req.ssl_ver, req.ssl_hello_type",
        fetches: TLS,
        converters: &[],
    },
    RefusedMethods {
        reason: "it is not implemented",
        fetches: OTHER,
        converters: OTHER_CONVERTERS,
    },
];

#[rustfmt::skip]
const STICK_TABLES: &[&str] = &[
    "sc_bytes_in_rate", "sc_bytes_out_rate", "sc_clr_gpc", "sc_clr_gpc0", "sc_clr_gpc1",
    "sc_conn_cnt", "sc_conn_cur", "sc_conn_rate", "sc_get_gpc", "sc_get_gpc0", "sc_get_gpc1",
    "sc_get_gpt", "sc_get_gpt0", "sc_gpc0_rate", "sc_gpc1_rate", "sc_gpc_rate", "sc_http_err_cnt",
    "sc_http_err_rate", "sc_http_fail_cnt", "sc_http_fail_rate", "sc_http_req_cnt",
    "sc_http_req_rate", "sc_inc_gpc", "sc_inc_gpc0", "sc_inc_gpc1", "sc_kbytes_in",
    "sc_kbytes_out", "sc_sess_cnt", "sc_sess_rate", "sc_tracked", "sc_trackers",
    "src_bytes_in_rate", "src_bytes_out_rate", "src_clr_gpc", "src_clr_gpc0", "src_clr_gpc1",
    "src_conn_cnt", "src_conn_cur", "src_conn_rate", "src_get_gpc", "src_get_gpc0", "src_get_gpc1",
    "src_get_gpt", "src_get_gpt0", "src_gpc0_rate", "src_gpc1_rate", "src_gpc_rate",
    "src_http_err_cnt", "src_http_err_rate", "src_http_fail_cnt", "src_http_fail_rate",
    "src_http_req_cnt", "src_http_req_rate", "src_inc_gpc", "src_inc_gpc0", "src_inc_gpc1",
    "src_kbytes_in", "src_kbytes_out", "src_sess_cnt", "src_sess_rate", "src_updt_conn_cnt",
    "table_avl", "table_cnt",
];

#[rustfmt::skip]
const HTTP: &[&str] = &[
    "base", "base32", "baseq", "bc_http_major", "capture.req.hdr", "capture.req.method",
    "capture.req.uri", "capture.req.ver", "capture.res.hdr", "capture.res.ver", "cook", "cook_cnt",
    "cook_val", "cookie", "fc_http_major", "fe_req_rate", "hdr", "hdr_cnt", "hdr_ip", "hdr_val",
    "http_auth", "http_auth_bearer", "http_auth_group", "http_auth_pass", "http_auth_type",
    "http_auth_user", "http_first_req", "meth", "pathq", "query", "req.body",
    "req.body_len", "req.body_param", "req.body_size", "req.cook", "req.cook_cnt", "req.cook_val",
    "req.fhdr", "req.fhdr_cnt", "req.hdr", "req.hdr_cnt", "req.hdr_ip", "req.hdr_names",
    "req.hdr_val", "req.hdrs", "req.hdrs_bin", "req.proto_http", "req.ver", "req_proto_http",
    "req_ver", "res.body", "res.body_len", "res.body_size", "res.cache_hit", "res.cache_name",
    "res.comp", "res.comp_algo", "res.cook", "res.cook_cnt", "res.cook_val", "res.fhdr",
    "res.fhdr_cnt", "res.hdr", "res.hdr_cnt", "res.hdr_ip", "res.hdr_names", "res.hdr_val",
    "res.hdrs", "res.hdrs_bin", "res.ver", "resp_ver", "scook", "scook_cnt", "scook_val", "shdr",
    "shdr_cnt", "shdr_ip", "shdr_val", "status", "url32", "url_ip", "url_param", "url_port",
    "urlp", "urlp_val",
];

#[rustfmt::skip]
const TLS: &[&str] = &[
    "ssl_bc", "ssl_bc_alg_keysize", "ssl_bc_alpn", "ssl_bc_cipher", "ssl_bc_client_random",
    "ssl_bc_err", "ssl_bc_err_str", "ssl_bc_is_resumed", "ssl_bc_npn", "ssl_bc_protocol",
    "ssl_bc_server_random", "ssl_bc_session_id", "ssl_bc_session_key", "ssl_bc_unique_id",
    "ssl_bc_use_keysize", "ssl_c_ca_err", "ssl_c_ca_err_depth", "ssl_c_chain_der", "ssl_c_der",
    "ssl_c_err", "ssl_c_i_dn", "ssl_c_key_alg", "ssl_c_notafter", "ssl_c_notbefore", "ssl_c_s_dn",
    "ssl_c_serial", "ssl_c_sha1", "ssl_c_sig_alg", "ssl_c_used", "ssl_c_verify", "ssl_c_version",
    "ssl_f_der", "ssl_f_i_dn", "ssl_f_key_alg", "ssl_f_notafter", "ssl_f_notbefore", "ssl_f_s_dn",
    "ssl_f_serial", "ssl_f_sha1", "ssl_f_sig_alg", "ssl_f_version", "ssl_fc", "ssl_fc_alg_keysize",
    "ssl_fc_alpn", "ssl_fc_cipher", "ssl_fc_cipherlist_bin", "ssl_fc_cipherlist_hex",
    "ssl_fc_cipherlist_str", "ssl_fc_cipherlist_xxh", "ssl_fc_client_early_traffic_secret",
    "ssl_fc_client_handshake_traffic_secret", "ssl_fc_client_random",
    "ssl_fc_client_traffic_secret_0", "ssl_fc_early_exporter_secret", "ssl_fc_ecformats_bin",
    "ssl_fc_eclist_bin", "ssl_fc_err", "ssl_fc_err_str", "ssl_fc_exporter_secret",
    "ssl_fc_extlist_bin", "ssl_fc_has_crt", "ssl_fc_has_early", "ssl_fc_has_sni",
    "ssl_fc_is_resumed", "ssl_fc_npn", "ssl_fc_protocol", "ssl_fc_protocol_hello_id",
    "ssl_fc_server_handshake_traffic_secret", "ssl_fc_server_random",
    "ssl_fc_server_traffic_secret_0", "ssl_fc_session_id", "ssl_fc_session_key", "ssl_fc_sni",
    "ssl_fc_unique_id", "ssl_fc_use_keysize", "ssl_s_chain_der", "ssl_s_der", "ssl_s_i_dn",
    "ssl_s_key_alg", "ssl_s_notafter", "ssl_s_notbefore", "ssl_s_s_dn", "ssl_s_serial",
    "ssl_s_sha1", "ssl_s_sig_alg", "ssl_s_version",
];

#[rustfmt::skip]
const OTHER: &[&str] = &[
    "51d.all", "avg_queue", "bc_dst", "bc_dst_port", "bc_err", "bc_err_str", "bc_src",
    "bc_src_port", "be_conn_free", "be_id", "be_server_timeout", "be_sess_rate",
    "be_tunnel_timeout", "bin", "connslots", "cpu_calls", "cpu_ns_avg", "cpu_ns_tot",
    "cur_server_timeout", "cur_tunnel_timeout", "date", "date_us", "distcc_body", "distcc_param",
    "dst_conn", "dst_is_local", "env", "fc_dst", "fc_dst_is_local", "fc_dst_port", "fc_err",
    "fc_err_str", "fc_fackets", "fc_lost", "fc_pp_authority", "fc_pp_unique_id", "fc_rcvd_proxy",
    "fc_reordering", "fc_retrans", "fc_rtt", "fc_rttvar", "fc_sacked", "fc_src", "fc_src_is_local",
    "fc_src_port", "fc_unacked", "fe_client_timeout", "fe_defbe", "fe_sess_rate", "hostname",
    "internal.htx.data", "internal.htx.free", "internal.htx.free_data", "internal.htx.has_eom",
    "internal.htx.nbblks", "internal.htx.size", "internal.htx.used", "internal.htx_blk.data",
    "internal.htx_blk.hdrname", "internal.htx_blk.hdrval", "internal.htx_blk.size",
    "internal.htx_blk.start_line", "internal.htx_blk.type", "internal.strm.is_htx", "ipv4", "ipv6",
    "last_rule_file", "last_rule_line", "lat_ns_avg", "lat_ns_tot", "payload_lv", "prio_class",
    "prio_offset", "proc", "rdp_cookie", "rdp_cookie_cnt", "rep_ssl_hello_type", "req.payload_lv",
    "req.rdp_cookie", "req.rdp_cookie_cnt", "req.ssl_alpn", "req.ssl_ec_ext", "req.ssl_st_ext",
    "res.len", "res.payload", "res.payload_lv", "res.ssl_hello_type", "so_name", "srv_conn",
    "srv_conn_free", "srv_id", "srv_is_up", "srv_iweight", "srv_name", "srv_queue",
    "srv_sess_rate", "srv_uweight", "srv_weight", "stopping", "thread", "uuid", "var",
];

#[rustfmt::skip]
const STICK_TABLE_CONVERTERS: &[&str] = &[
    "in_table", "table_bytes_in_rate", "table_bytes_out_rate", "table_conn_cnt", "table_conn_cur",
    "table_conn_rate", "table_expire", "table_gpc", "table_gpc0", "table_gpc0_rate", "table_gpc1",
    "table_gpc1_rate", "table_gpc_rate", "table_gpt", "table_gpt0", "table_http_err_cnt",
    "table_http_err_rate", "table_http_fail_cnt", "table_http_fail_rate", "table_http_req_cnt",
    "table_http_req_rate", "table_idle", "table_kbytes_in", "table_kbytes_out", "table_server_id",
    "table_sess_cnt", "table_sess_rate", "table_trackers",
];

#[rustfmt::skip]
const OTHER_CONVERTERS: &[&str] = &[
    "51d.single", "add", "add_item", "aes_gcm_dec", "and", "b64dec", "base64", "be2dec", "be2hex",
    "bytes", "concat", "cpl", "crc32", "crc32c", "cut_crlf", "debug", "digest", "div", "djb2",
    "even", "field", "fix_is_valid", "fix_tag_value", "hex2i", "hmac", "host_only", "htonl",
    "http_date", "iif", "json", "json_query", "jwt_header_query", "jwt_payload_query",
    "jwt_verify", "language", "ltime", "ltrim", "map", "mod", "mqtt_field_value", "mqtt_is_valid",
    "mul", "nbsrv", "neg", "odd", "or", "port_only", "protobuf", "regsub", "rtrim", "sdbm",
    "secure_memcmp", "sha1", "sha2", "srv_queue", "strcmp", "sub", "ub64dec", "ub64enc", "ungrpc",
    "url_dec", "url_enc", "utime", "word", "wt6", "xor", "xxh3", "xxh32", "xxh64",
];

/// Match methods that older criteria carry in their names.
const SUFFIXES: [&str; 8] = [
    "_beg", "_dir", "_dom", "_end", "_len", "_reg", "_str", "_sub",
];

/// Says that a fetch method is refused, or unknown.
pub(super) fn report_fetch(call: &Call<'_>, d: &mut Diagnostics) {
    let name = without_digit(call.name);
    let base = SUFFIXES
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(&name);
    let is_refused = |methods: &&RefusedMethods| {
        methods.fetches.contains(&&*name) || methods.fetches.contains(&base)
    };
    if let Some(methods) = REFUSED.iter().find(is_refused) {
        refuse(call, methods.reason, d);
        return;
    }
    let message = format!("`{}` is not a fetch method", call.name);
    let diagnostic = d.error("unknown-fetch", call.span, message);
    if FETCHES.iter().any(|method| method.name == base) {
        let suffix = &name[base.len() + 1..];
        diagnostic.suggest(format!("write `{base} -m {suffix}`"));
    } else if let Some(near) = nearest(call.name, fetch_names()) {
        diagnostic.suggest(format!("did you mean `{near}`?"));
    }
}

/// Says that a converter is refused, or unknown.
pub(super) fn report_converter(call: &Call<'_>, d: &mut Diagnostics) {
    let is_refused = |methods: &&RefusedMethods| methods.converters.contains(&call.name);
    if let Some(methods) = REFUSED.iter().find(is_refused) {
        refuse(call, methods.reason, d);
        return;
    }
    let names = CONVERTERS.iter().map(|method| method.name);
    let refused = REFUSED.iter().flat_map(|it| it.converters.iter().copied());
    let near = nearest(call.name, names.chain(refused));
    let message = format!("`{}` is not a converter", call.name);
    let diagnostic = d.error("unknown-converter", call.span, message);
    if let Some(near) = near {
        diagnostic.suggest(format!("did you mean `{near}`?"));
    }
}

fn refuse(call: &Call<'_>, reason: &'static str, d: &mut Diagnostics) {
    let message = format!("`{}` is not supported", call.name);
    d.error("unsupported", call.span, message).suggest(reason);
}

fn fetch_names() -> impl Iterator<Item = &'static str> {
    let implemented = FETCHES.iter().map(|method| method.name);
    implemented.chain(REFUSED.iter().flat_map(|it| it.fetches.iter().copied()))
}

/// `sc1_conn_rate` as `sc_conn_rate`.
fn without_digit(name: &str) -> std::borrow::Cow<'_, str> {
    let rest = ["sc0_", "sc1_", "sc2_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    rest.map_or(name.into(), |rest| format!("sc_{rest}").into())
}
