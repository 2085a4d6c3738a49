//! The others' configurations: one data thread, the same timeouts, no log, no checks, no limits that a workload
//! would meet.

use std::fmt::Write as _;

use super::Launch;
use crate::setting::Plan;

/// Where Debian keeps it.
pub(super) const NGINX_MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

// Writing into a String cannot fail.
pub(super) fn nginx(plan: &Plan) -> Launch {
    let mut text = format!(
        "load_module {NGINX_MODULE};\ndaemon off;\npid nginx.pid;\nerror_log stderr crit;\n\
         worker_processes {};\n\
         events {{\n    worker_connections 19000;\n    multi_accept on;\n}}\n\
         stream {{\n    access_log off;\n    proxy_connect_timeout 5s;\n    proxy_timeout 60s;\n    \
         tcp_nodelay on;\n    proxy_half_close on;\n    \
         upstream servers {{\n",
        plan.setting.threads
    );
    for server in &plan.servers {
        let _ok = writeln!(text, "        server {server};");
    }
    text += "    }\n";
    for front in &plan.fronts {
        let _ok = writeln!(
            text,
            "    server {{\n        listen {front} backlog=8192;\n        proxy_pass servers;\n    }}"
        );
    }
    text += "}\n";
    Launch {
        file: "nginx.conf",
        text,
        second: None,
        words: ["-p", "{}/", "-c", "{}/nginx.conf", "-e", "stderr"]
            .map(str::to_owned)
            .to_vec(),
        variable: None,
    }
}

pub(super) fn envoy(plan: &Plan) -> Launch {
    let socket = |address: &std::net::SocketAddr| {
        format!(
            "{{ socket_address: {{ address: {}, port_value: {} }} }}",
            address.ip(),
            address.port()
        )
    };
    let mut text = String::from("static_resources:\n  listeners:\n");
    for front in &plan.fronts {
        let _ok = write!(
            text,
            "  - address: {}\n    tcp_backlog_size: 8192\n    filter_chains:\n    - filters:\n      \
             - name: envoy.filters.network.tcp_proxy\n        typed_config:\n          \
             \"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\n          \
             stat_prefix: tcp\n          cluster: servers\n          idle_timeout: 60s\n",
            socket(front)
        );
    }
    text += "  clusters:\n  - name: servers\n    type: STATIC\n    connect_timeout: 5s\n    \
             circuit_breakers: { thresholds: [ { max_connections: 100000, max_pending_requests: 100000, \
             max_requests: 100000 } ] }\n    load_assignment:\n      cluster_name: servers\n      \
             endpoints:\n      - lb_endpoints:\n";
    for server in &plan.servers {
        let _ok = writeln!(
            text,
            "        - endpoint: {{ address: {} }}",
            socket(server)
        );
    }
    let threads = plan.setting.threads.to_string();
    let words = [
        "-c",
        "{}/envoy.yaml",
        "--concurrency",
        &threads,
        "--use-dynamic-base-id",
        "--disable-hot-restart",
        "--log-level",
        "error",
    ];
    Launch {
        file: "envoy.yaml",
        text,
        second: None,
        words: words.map(str::to_owned).to_vec(),
        variable: None,
    }
}

pub(super) fn traefik(plan: &Plan) -> Launch {
    let mut text = String::from(
        "global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\nlog:\n  level: ERROR\n\
         providers:\n  file:\n    filename: {}/routes.yaml\n    watch: false\nentryPoints:\n",
    );
    let mut routes = String::from("tcp:\n  routers:\n");
    for (number, front) in plan.fronts.iter().enumerate() {
        let _ok = writeln!(text, "  e{number}:\n    address: \"{front}\"");
        let _ok = writeln!(
            routes,
            "    r{number}:\n      entryPoints: [e{number}]\n      rule: HostSNI(`*`)\n      service: servers"
        );
    }
    routes += "  services:\n    servers:\n      loadBalancer:\n        servers:\n";
    for server in &plan.servers {
        let _ok = writeln!(routes, "        - address: \"{server}\"");
    }
    Launch {
        file: "traefik.yaml",
        text,
        second: Some(("routes.yaml", routes)),
        words: vec!["--configfile={}/traefik.yaml".into()],
        variable: Some(("GOMAXPROCS", plan.setting.threads.to_string())),
    }
}
