//! A customer every value of whom is found nowhere else, and everything processes put out beside their
//! answers, to look for it.

use std::{
    fs,
    future::ready,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strata_estate::client;
use strata_tests::{Instance, Rig, TENANT};
use tokio::net::{TcpListener, TcpStream};

use crate::stores::open;

/// Where OTLP takes spans.
const SPANS: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The pages of an admin listener.
const PAGES: [&str; 3] = ["/metrics", "/livez", "/readyz"];

/// The customer of one number, of region uk and the brand agents are of.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    number: u32,
}

impl Planted {
    /// Writes the customer, with one order, into the stores.
    pub(crate) async fn write(rig: &Rig, number: u32) -> Self {
        let planted = Self { number };
        let customer = "INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
            1, 1, ?14, 'gold', 'uk', ?14, ?12, ?13, ?15)";
        let mut store = open(rig, "customers").await;
        let mut query = sqlx::query(customer).bind(planted.customer());
        for name in [
            "given", "family", "email", "phone", "street", "city", "postcode", "country", "born",
            "document", "needs", "account",
        ] {
            query = query.bind(planted.text(name));
        }
        let query = query.bind(1_700_000_000).bind(TENANT);
        query.execute(&mut store).await.unwrap();
        let mut store = open(rig, "orders").await;
        sqlx::query("INSERT INTO orders VALUES (?1, ?2, 'uk', 'paid', 1700000000, ?3, ?4, ?5, ?6)")
            .bind(planted.text("order"))
            .bind(planted.customer())
            .bind(planted.text("currency"))
            .bind(planted.total())
            .bind(planted.text("postcode"))
            .bind(TENANT)
            .execute(&mut store)
            .await
            .unwrap();
        sqlx::query("INSERT INTO order_lines VALUES (?1, 1, ?2, ?3, 1, ?4)")
            .bind(planted.text("order"))
            .bind(planted.text("sku"))
            .bind(planted.text("description"))
            .bind(planted.price())
            .execute(&mut store)
            .await
            .unwrap();
        planted
    }

    /// Takes the customer out again.
    pub(crate) async fn remove(self, rig: &Rig) {
        let mut store = open(rig, "customers").await;
        for table in ["contact_updates", "customers"] {
            let delete = format!("DELETE FROM {table} WHERE customer_id = ?1");
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(self.customer());
            delete.execute(&mut store).await.unwrap();
        }
        let mut store = open(rig, "orders").await;
        for table in ["order_lines", "orders"] {
            let delete = format!("DELETE FROM {table} WHERE order_id = ?1");
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(self.text("order"));
            delete.execute(&mut store).await.unwrap();
        }
    }

    /// The id.
    pub(crate) fn customer(&self) -> String {
        self.text("customer")
    }

    fn total(&self) -> i64 {
        770_011_223_300 + i64::from(self.number)
    }

    fn price(&self) -> i64 {
        660_044_556_600 + i64::from(self.number)
    }

    /// The value of a name. Each has its own, in the form its mask expects.
    pub(crate) fn text(&self, name: &str) -> String {
        let number = self.number;
        match name {
            "customer" => format!("cus_kanarie{number}"),
            "order" => format!("ord_kanarie{number}"),
            "email" => format!("kanarie{number}@example.com"),
            "phone" => format!("+3199kanarie{number}0123"),
            "postcode" => format!("QX7 kanarie{number}"),
            "born" => format!("1901-kanarie{number}"),
            "given" => format!("Kanarie{number}"),
            "family" => format!("Vogel-kanarie{number}"),
            "total" => self.total().to_string(),
            "price" => self.price().to_string(),
            _ => format!("{name}-kanarie{number}"),
        }
    }

    /// Every value, in the forms it could come out in.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let names = [
            "customer",
            "given",
            "family",
            "email",
            "phone",
            "street",
            "city",
            "postcode",
            "country",
            "born",
            "document",
            "needs",
            "account",
            "order",
            "currency",
            "sku",
            "description",
            "total",
            "price",
        ];
        let plain = names.map(|name| self.text(name));
        let coded: Vec<_> = plain.iter().flat_map(|text| coded(text)).collect();
        plain.into_iter().chain(coded).collect()
    }
}

/// The middle of a text's base64, for each place it can have among the bytes around it.
pub(crate) fn coded(text: &str) -> Vec<String> {
    let at = |skipped: usize| {
        let rest = text.as_bytes().get(skipped..).unwrap_or_default();
        let whole = rest.len() / 3 * 3;
        STANDARD_NO_PAD.encode(&rest[..whole])
    };
    (0..3).map(at).collect()
}

/// The secrets of a material folder: the lines of its keys.
pub(crate) fn keys(material: &Path) -> Vec<String> {
    let files = fs::read_dir(material)
        .unwrap()
        .map(|file| file.unwrap().path());
    let keys = files.filter(|file| file.extension().is_some_and(|kind| kind == "key"));
    let texts: Vec<_> = keys.map(|key| fs::read_to_string(key).unwrap()).collect();
    assert!(
        texts.len() >= 2,
        "a folder has a key of its own and the environment's"
    );
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .filter(|line| !line.starts_with("-----"))
        .map(str::to_owned)
        .collect()
}

/// Takes what telemetry sends, as an OTLP collector does over gRPC.
#[derive(Default)]
pub(crate) struct Collector {
    places: Mutex<Vec<Arc<Mutex<Taken>>>>,
}

/// What came to one place of a collector.
#[derive(Default)]
struct Taken {
    /// Every head and body.
    bytes: Vec<u8>,
    /// Exports of spans.
    spans: usize,
}

impl Collector {
    /// Where one process sends to, until the test ends: each time a place of its own, so that its
    /// process is told from others of its service.
    pub(crate) fn url(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let taken = Arc::<Mutex<Taken>>::default();
        self.places.lock().unwrap().push(Arc::clone(&taken));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(collect(connection, Arc::clone(&taken)));
            }
        });
        format!("http://{address}")
    }

    /// What has come from each process so far, as far as it is text; none of those that have sent
    /// no spans.
    pub(crate) fn texts(&self) -> Vec<Option<String>> {
        let places = self.places.lock().unwrap();
        let text = |taken: &Arc<Mutex<Taken>>| {
            let taken = taken.lock().unwrap();
            (taken.spans > 0).then(|| String::from_utf8_lossy(&taken.bytes).into_owned())
        };
        places.iter().map(text).collect()
    }
}

/// Answers the exports of one connection, each with an empty message.
async fn collect(connection: TcpStream, taken: Arc<Mutex<Taken>>) -> Result<(), hyper::Error> {
    let service = service_fn(|request: Request<Incoming>| {
        let taken = Arc::clone(&taken);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let mut taken = taken.lock().unwrap();
            taken
                .bytes
                .extend_from_slice(format!("{head:?}\n").as_bytes());
            taken.bytes.extend_from_slice(&body);
            taken.spans += usize::from(head.uri.path() == SPANS);
            drop(taken);
            let status = HeaderMap::from_iter([(
                HeaderName::from_static("grpc-status"),
                HeaderValue::from_static("0"),
            )]);
            // A message of no compression and no length.
            let empty = Full::new(Bytes::from_static(&[0; 5]));
            let answer = Response::builder()
                .header(CONTENT_TYPE, "application/grpc")
                .body(empty.with_trailers(ready(Some(Ok(status)))));
            Ok::<_, hyper::Error>(answer.unwrap())
        }
    });
    http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(connection), service)
        .await
}

/// What a process put out beside its answers, by sink.
pub(crate) struct Output {
    /// Log lines that are neither of the next two.
    pub(crate) log: String,
    /// Lines that tell of security events.
    pub(crate) events: String,
    /// Lines that tell of panics.
    pub(crate) panics: String,
    /// What is counted.
    pub(crate) metrics: String,
    /// The other pages of the admin listener.
    pub(crate) admin: String,
    /// The audit trail, once it has ended.
    pub(crate) trail: String,
}

impl Output {
    /// All of it so far.
    pub(crate) async fn of(process: &Instance) -> Self {
        let pages = pages(process).await;
        Self::new(&process.log(), pages, String::new())
    }

    /// All of it there will be: the process is asked to stop, and then has sent all it had to send.
    pub(crate) async fn at_the_end_of(process: Instance) -> Self {
        let pages = pages(&process).await;
        process.terminate().unwrap();
        let ended = process.ended().await.unwrap();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        for lost in ["was not exported in full", "SpanDroppingStarted"] {
            assert!(!ended.stderr.contains(lost), "{ended:?}");
        }
        Self::new(&(ended.stderr + &ended.stdout), pages, ended.trail)
    }

    fn new(log: &str, [metrics, live, ready]: [String; 3], trail: String) -> Self {
        let (mut lines, mut events, mut panics) = (String::new(), String::new(), String::new());
        for line in log.lines() {
            let kind = match line {
                _ if line.contains("strata::security") => &mut events,
                _ if line.contains("strata::panic") => &mut panics,
                _ => &mut lines,
            };
            kind.push_str(line);
            kind.push('\n');
        }
        Self {
            log: lines,
            events,
            panics,
            metrics,
            admin: live + &ready,
            trail,
        }
    }

    /// Each by the name of its sink; the audit trail apart, which says who did what.
    pub(crate) fn sinks(&self) -> [(&'static str, &str); 5] {
        [
            ("log", &self.log),
            ("security event", &self.events),
            ("panic output", &self.panics),
            ("metric", &self.metrics),
            ("admin page", &self.admin),
        ]
    }
}

/// What the admin listener of a process shows.
async fn pages(process: &Instance) -> [String; 3] {
    let mut pages = PAGES.map(str::to_owned);
    for page in &mut pages {
        let request = Request::get(format!("http://{}{page}", process.admin));
        let answer = client::send(request.body(Bytes::new()).unwrap(), None);
        *page = String::from_utf8(answer.await.unwrap().body().to_vec()).unwrap();
    }
    pages
}
