//! Requests through all layers, as users make them, against what the stores hold.

#![cfg(test)]

mod attack;
mod audit;
mod bound;
mod chain;
mod classification;
mod clock;
mod consumers;
mod contact;
mod desk;
mod documents;
mod drain;
mod drive;
mod events;
mod folder;
mod forwarded;
mod full;
mod headers;
mod hidden;
mod issuer;
mod keys;
mod limits;
mod material;
mod networks;
mod order;
mod outage;
mod overview;
mod paging;
mod panicking;
mod planted;
mod policies;
mod problems;
mod production;
mod rates;
mod release;
mod replicas;
mod secrecy;
mod sign_in;
mod stores;
mod storm;
mod stream;
mod tenants;
mod tokens;
mod trace;
mod upstream;
mod versions;

use std::{process::ExitCode, time::Duration};

use strata_tests::{cases, run};

/// Far above what anything needs: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const OVERVIEW: &str = "/v1/me/overview";
const CONTACT: &str = "/v1/me/contact";
const STREAM: &str = "/v1/me/orders.ndjson";
const ORDERS: &str = "/v1/me/orders";

fn main() -> anyhow::Result<ExitCode> {
    if let Some(ended) = panicking::run().or_else(versions::run) {
        return Ok(ended);
    }
    run(cases![
        overview::a_customer_sees_what_the_stores_hold,
        overview::a_customer_without_orders_sees_none,
        overview::totals_count_the_latest_hundred_orders,
        paging::pages_hold_every_order_once_newest_first,
        paging::an_order_placed_meanwhile_shifts_no_page,
        paging::a_page_token_of_another_shows_only_ones_own,
        desk::a_supervisor_sees_the_customers_of_their_region,
        desk::an_agent_sees_less_than_the_customer,
        desk::a_customer_of_another_region_is_like_a_missing_one,
        desk::a_search_finds_the_customers_of_ones_region,
        desk::a_search_is_for_agents_of_a_region,
        tenants::a_customer_of_another_brand_is_like_a_missing_one,
        tenants::a_search_shows_no_trace_of_another_brand,
        tenants::a_customer_reaches_their_own_whatever_their_brand,
        hidden::what_is_of_another_brand_costs_what_is_missing_costs,
        hidden::one_order_of_another_brand_closes_its_page,
        tenants::no_workload_says_of_which_brand_the_user_is,
        contact::a_customer_changes_how_they_are_reached,
        contact::a_key_has_one_effect,
        contact::there_is_one_effect_when_the_connection_dies_after_the_commit,
        contact::a_wrong_change_is_named_and_changes_nothing,
        contact::a_write_to_anothers_record_is_like_one_to_a_missing,
        stream::a_stream_holds_every_order_once_newest_first,
        stream::a_stream_of_anothers_orders_is_empty,
        stream::nothing_is_read_that_nobody_takes,
        problems::a_request_without_every_scope_is_refused,
        problems::what_does_not_exist_is_not_found,
        problems::a_wrong_query_is_named_and_not_repeated,
        tokens::a_wrong_token_is_refused,
        keys::a_key_that_is_rotated_in_is_taken_and_made_up_ones_cost_nothing,
        bound::a_bound_token_is_taken_from_its_holder_alone,
        sign_in::a_policy_may_demand_how_a_user_signed_in,
        consumers::a_consumer_is_told_what_is_left,
        consumers::a_user_who_asks_too_often_is_refused_and_others_are_not,
        consumers::two_edges_share_a_quota,
        consumers::without_redis_a_quota_is_smaller_and_nothing_fails,
        consumers::a_consumer_without_a_plan_stops_the_start,
        consumers::scripts_of_other_origins_read_nothing,
        order::who_has_no_token_costs_no_consumer_anything,
        order::a_scope_is_asked_for_before_a_policy_is,
        order::a_hop_refuses_by_what_costs_least,
        rates::a_network_that_asks_too_often_is_refused,
        rates::a_workload_that_asks_too_often_is_refused,
        rates::a_user_who_asks_a_hop_too_often_is_refused,
        rates::a_hop_asks_for_the_scope_itself,
        rates::many_accounts_of_one_consumer_are_slowed_as_one,
        rates::a_plan_has_its_methods_and_no_other,
        networks::a_list_that_changes_is_in_force_at_once,
        networks::a_list_with_a_mistake_stops_the_start,
        forwarded::a_client_is_where_the_trusted_proxies_say,
        forwarded::what_a_client_writes_itself_gains_nothing,
        forwarded::a_peer_that_is_no_proxy_is_not_believed,
        forwarded::a_proxy_that_does_not_say_for_whom_is_refused,
        forwarded::a_blocked_client_is_refused_and_others_of_its_connection_are_not,
        forwarded::a_policy_decides_by_where_the_client_is,
        headers::every_answer_carries_the_security_headers,
        versions::two_versions_are_served_side_by_side,
        versions::a_deprecated_method_says_when_it_ends,
        versions::a_method_past_its_sunset_is_gone,
        versions::a_version_that_is_served_twice_stops_the_start,
        documents::what_is_served_is_what_is_committed,
        production::nobody_is_told_what_the_api_offers,
        documents::the_page_brings_a_policy_of_its_own,
        trace::every_hop_logs_the_trace_of_the_request,
        trace::a_trace_that_is_none_is_replaced,
        drain::a_service_asked_to_stop_ends_well,
        drain::a_request_under_way_is_answered_before_the_end,
        drain::a_second_signal_ends_it_at_once,
        outage::a_killed_service_is_a_problem_until_it_is_back,
        outage::a_hung_service_is_a_problem_at_the_deadline,
        outage::a_connection_that_fell_silent_is_given_up,
        full::a_store_without_room_changes_nothing,
        clock::a_clock_that_steps_back_bends_no_trail,
        clock::a_token_of_before_a_step_back_is_not_passed_on,
        storm::retries_stay_within_their_budget,
        storm::an_upstream_that_fails_every_call_is_spared,
        limits::a_body_beyond_the_limit_is_refused,
        limits::a_value_beyond_its_limit_is_refused_by_name,
        limits::a_hop_takes_no_message_it_must_not,
        limits::one_request_too_many_is_refused_at_once,
        limits::a_stream_holds_its_place_and_ends_at_its_deadline,
        limits::lines_end_at_their_deadline,
        material::broken_material_changes_nothing_until_it_is_mended,
        policies::who_is_refused_is_told_nothing_of_the_policy,
        policies::broken_policies_change_nothing_until_they_are_mended,
        upstream::an_upstream_that_answers_wrongly_is_contained,
        replicas::a_killed_replica_costs_no_request,
        replicas::a_hung_replica_is_left_out,
        replicas::while_the_only_one_hangs_callers_hear_at_once,
        replicas::services_start_in_any_order,
        classification::what_each_role_is_shown_is_what_the_table_says,
        classification::every_class_has_its_row,
        release::a_release_is_an_event,
        release::a_workload_sends_on_only_what_it_may_hold,
        audit::each_request_is_in_the_trail_of_every_service,
        audit::who_is_refused_is_in_the_trail,
        audit::nobody_is_served_while_the_trail_cannot_be_written,
        audit::nobody_is_served_while_a_sink_is_read_only,
        audit::a_trail_that_cannot_be_written_stops_the_start,
        audit::what_was_answered_outlives_a_kill,
        attack::nothing_is_found_on_the_sample_estate,
        attack::what_only_dev_may_serve_is_found,
        events::each_kind_is_told_as_ocsf_has_it,
        secrecy::nothing_leaks_by_another_door,
    ])
}
