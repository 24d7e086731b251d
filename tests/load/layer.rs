//! What one layer costs.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    time::Instant,
};

use anyhow::{Result, ensure};
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt as _};

pub(crate) const TURNS: u32 = 20_000;
pub(crate) const ROUNDS: usize = 7;

/// Answers at once.
pub(crate) struct Answer<B>(std::marker::PhantomData<fn() -> B>);

impl<B> Clone for Answer<B> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<B: Default> Service<Request<()>> for Answer<B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(B::default())))
    }
}

/// Nanoseconds of a request through `service`, each as `request` makes it: the least of the rounds.
async fn through<S, R>(service: &mut S, request: impl Fn(u32) -> Request<()>) -> Result<f64>
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
{
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for turn in 0..TURNS {
            let answer = service.ready().await?.call(request(turn)).await?;
            let refused = answer.headers().contains_key("grpc-status");
            ensure!(
                answer.status().is_success() && !refused,
                "{} refuses what is measured: {} {:?}",
                std::any::type_name::<S>(),
                answer.status(),
                answer.headers()
            );
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS));
    }
    Ok(least)
}

/// What `layer` adds, in nanoseconds.
pub(crate) async fn cost<L, B, R>(layer: &L, request: impl Fn(u32) -> Request<()>) -> Result<f64>
where
    B: Default,
    L: Layer<Answer<B>>,
    L::Service: Service<Request<()>, Response = Response<R>, Error = Infallible>,
{
    let bare = Answer(std::marker::PhantomData);
    let without = through(&mut bare.clone(), &request).await?;
    let with = through(&mut layer.layer(bare), &request).await?;
    Ok((with - without).max(0.0))
}
