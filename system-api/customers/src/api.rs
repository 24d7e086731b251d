//! Contract to domain and back, nothing else.

use pbjson_types::Timestamp;
use proto_system_customers::v1::{
    self as wire, CustomersService, GetCustomerRequest, SearchCustomersRequest,
    SearchCustomersResponse, UpdateContactRequest,
};
use strata_core::{Error, ErrorCode};
use strata_service::{call, into_status};
use strata_store::{IdempotencyKey, PageRequest};
use tonic::{Request, Response, Status};

use crate::{
    contact::{Contact, ContactChange},
    domain::{Address, Bounds, Consent, Customer, LoyaltyTier},
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
impl CustomersService for Api {
    async fn get_customer(
        &self,
        request: Request<GetCustomerRequest>,
    ) -> Result<Response<wire::Customer>, Status> {
        let call = call(&request)?;
        let id = request.into_inner().customer_id;
        let customer = self.store.get(&id).await.map_err(into_status)?;
        let customer = customer.open(&call).map_err(into_status)?;
        Ok(Response::new(customer.into()))
    }

    async fn search_customers(
        &self,
        request: Request<SearchCustomersRequest>,
    ) -> Result<Response<SearchCustomersResponse>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        let principal = call.principal().map_err(|code| into_status(code.into()))?;
        let page = PageRequest::new(request.page_size, &request.page_token).map_err(into_status)?;
        let bounds = Bounds::of(principal, &request.region).ok_or_else(|| {
            into_status(Error::new(
                ErrorCode::PermissionDenied,
                "search is for agents, within their own brand and region",
            ))
        })?;
        let found = self
            .store
            .search(bounds, &request.query, &page)
            .await
            .map_err(into_status)?;
        Ok(Response::new(SearchCustomersResponse {
            customers: found.items.into_iter().map(Into::into).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn update_contact(
        &self,
        request: Request<UpdateContactRequest>,
    ) -> Result<Response<wire::Contact>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        let key = IdempotencyKey::new(request.idempotency_key).map_err(into_status)?;
        let change = ContactChange::new(request.customer_id, request.email, request.phone)
            .map_err(into_status)?;
        let contact = self
            .store
            .update_contact(&change, &key, &call)
            .await
            .map_err(into_status)?;
        Ok(Response::new(contact.into()))
    }
}

impl From<Contact> for wire::Contact {
    fn from(contact: Contact) -> Self {
        Self {
            email: contact.email,
            phone: contact.phone,
        }
    }
}

impl From<Customer> for wire::Customer {
    fn from(customer: Customer) -> Self {
        Self {
            customer_id: customer.id,
            name: Some(wire::Name {
                given: customer.given_name,
                family: customer.family_name,
            }),
            email: customer.email,
            phone: customer.phone,
            address: Some(customer.address.into()),
            birth_date: customer.birth_date,
            national_id: customer.national_id,
            marketing_consent: Some(customer.consent.into()),
            loyalty_tier: wire::LoyaltyTier::from(customer.loyalty_tier).into(),
            region: customer.region,
            created_at: Some(timestamp(customer.created_at)),
            access_needs: customer.access_needs,
            payment_account: customer.payment_account,
            brand: customer.brand,
        }
    }
}

impl From<Address> for wire::Address {
    fn from(address: Address) -> Self {
        Self {
            street: address.street,
            city: address.city,
            postcode: address.postcode,
            country: address.country,
        }
    }
}

impl From<Consent> for wire::MarketingConsent {
    fn from(consent: Consent) -> Self {
        Self {
            email: consent.email,
            phone: consent.phone,
            updated_at: Some(timestamp(consent.updated_at)),
        }
    }
}

impl From<LoyaltyTier> for wire::LoyaltyTier {
    fn from(tier: LoyaltyTier) -> Self {
        match tier {
            LoyaltyTier::Bronze => Self::Bronze,
            LoyaltyTier::Silver => Self::Silver,
            LoyaltyTier::Gold => Self::Gold,
            LoyaltyTier::Platinum => Self::Platinum,
        }
    }
}

const fn timestamp(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}
