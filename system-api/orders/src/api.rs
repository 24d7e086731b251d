//! Contract to domain and back, nothing else.

use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use pbjson_types::Timestamp;
use proto_system_orders::v1::{
    self as wire, GetOrderRequest, ListOrdersRequest, ListOrdersResponse, OrdersService,
    StreamOrdersRequest,
};
use strata_service::{call, into_status};
use strata_store::PageRequest;
use tonic::{Request, Response, Status};

use crate::{
    domain::{Line, Order, Status as OrderStatus},
    store::Store,
};

/// The contract over the store.
pub(crate) struct Api {
    store: Store,
}

impl Api {
    pub(crate) const fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl OrdersService for Api {
    type StreamOrdersStream = BoxStream<'static, Result<wire::Order, Status>>;

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<wire::Order>, Status> {
        let call = call(&request)?;
        let id = request.into_inner().order_id;
        let order = self.store.get(&id, &call).await.map_err(into_status)?;
        Ok(Response::new(order.into()))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        let page = PageRequest::new(request.page_size, &request.page_token).map_err(into_status)?;
        let listed = self
            .store
            .list(&request.customer_id, &page, &call)
            .await
            .map_err(into_status)?;
        Ok(Response::new(ListOrdersResponse {
            orders: listed.items.into_iter().map(Into::into).collect(),
            next_page_token: listed.next_page_token,
        }))
    }

    async fn stream_orders(
        &self,
        request: Request<StreamOrdersRequest>,
    ) -> Result<Response<Self::StreamOrdersStream>, Status> {
        let call = call(&request)?;
        let customer = request.into_inner().customer_id;
        let orders = self.store.clone().stream(customer, call);
        let orders = orders.map_ok(Into::into).map_err(into_status);
        Ok(Response::new(orders.boxed()))
    }
}

impl From<Order> for wire::Order {
    fn from(order: Order) -> Self {
        Self {
            order_id: order.id,
            customer_id: order.customer_id,
            region: order.region,
            status: wire::OrderStatus::from(order.status).into(),
            placed_at: Some(Timestamp {
                seconds: order.placed_at,
                nanos: 0,
            }),
            currency: order.currency,
            total_minor: order.total_minor,
            lines: order.lines.into_iter().map(Into::into).collect(),
            ship_to_postcode: order.ship_to_postcode,
            brand: order.brand,
        }
    }
}

impl From<Line> for wire::OrderLine {
    fn from(line: Line) -> Self {
        Self {
            line_number: line.number,
            sku: line.sku,
            description: line.description,
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
        }
    }
}

impl From<OrderStatus> for wire::OrderStatus {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Placed => Self::Placed,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Shipped => Self::Shipped,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Returned => Self::Returned,
            OrderStatus::Cancelled => Self::Cancelled,
        }
    }
}
