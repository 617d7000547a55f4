/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that may not be NULL: CSN_E_ARG before anything is looked at. */
#include <caisson/advanced.h>
#include <caisson/caisson.h>

#include "base/fail.h"

#include "lib/test.h"

/*
 * Stands for every other argument: whatever it is taken for, nothing useful
 * is in it, so a function that looks before it checks is found out.
 */
static _Alignas(64) uint64_t zeros[8192];
static void *const any = zeros;

/* An older failure's sentence does not stand for this one's. */
#define NO(call) do {							\
	(void)csn_fail(NULL, CSN_E_BUSY, "test", "older");		\
	assert_int_equal(call, CSN_E_ARG);				\
	assert_int_equal(csn_message_code(), CSN_E_ARG);		\
	assert_string_not_equal(csn_message(), "older");		\
	assert_string_not_equal(csn_message_room(), "test");		\
} while (0)

TEST(attest_refuses_null)
{
	NO(csn_attester_new(any, NULL, any, any));
	NO(csn_attester_new(any, any, any, NULL));
	NO(csn_attester_add_evidence(NULL, any, NULL, any));
	NO(csn_attester_measure(NULL, 1));
	NO(csn_attester_snapshot(NULL, 1, any));
	NO(csn_attester_snapshot(any, 1, NULL));
	NO(csn_attester_report(NULL, any, 1, any, any));
	NO(csn_attester_report(any, any, 1, NULL, any));
	NO(csn_report_json(any, any, 1, NULL));
	NO(csn_policy_load(any, any, NULL));
	NO(csn_policy_parse(any, any, 1, any, NULL));
	NO(csn_policy_from_report(any, any, 1, any, NULL));
	NO(csn_verifier_new(any, any, NULL));
	NO(csn_verifier_challenge(NULL, any));
	NO(csn_verifier_expect(NULL, any, 1));
	NO(csn_watch_new(any, NULL, any, any));
	NO(csn_watch_new(any, any, any, NULL));
	NO(csn_watch_run(NULL));
	NO(csn_report_ask(any, any, any, 1, NULL, any));
}

TEST(attest_key_refuses_null)
{
	NO(csn_attest_key_derive(any, any, any, NULL));
	NO(csn_attest_key_snp(any, any, any, NULL));
	NO(csn_attest_key_create(any, NULL, any, any));
	NO(csn_attest_key_open(any, NULL, any, any, any, any));
	NO(csn_attest_key_open(any, any, any, any, any, NULL));
}

TEST(attest_note_refuses_null)
{
	NO(csn_note_new(any, any, NULL));
	NO(csn_note_add(NULL, any));
	NO(csn_note_add(any, NULL));
	NO(csn_note_remove(NULL, any));
	NO(csn_note_track(NULL, any));
}

TEST(audit_refuses_null)
{
	NO(csn_audit_new_memory(any, 1, NULL));
	NO(csn_audit_open(any, any, any, NULL));
	NO(csn_audit_open_reader(any, any, NULL));
	NO(csn_audit_append(NULL, any));
	NO(csn_audit_append(any, NULL));
	NO(csn_audit_append_many(NULL, any, 1));
	NO(csn_audit_append_many(any, NULL, 1));
	NO(csn_audit_flush(NULL));
	NO(csn_audit_checkpoint(NULL));
	NO(csn_audit_each(NULL, any, NULL, any));
	NO(csn_audit_each(any, NULL, NULL, any));
	NO(csn_audit_export_to(NULL, any, NULL, any));
	NO(csn_audit_export_to(any, NULL, NULL, any));
	NO(csn_audit_head(NULL, any, any));
	NO(csn_audit_verify(any, any, any, NULL));
}

TEST(context_refuses_null)
{
	NO(csn_ctx_new(any, NULL));
	NO(csn_describe(any, NULL));
}

TEST(crypto_refuses_null)
{
	NO(csn_kem_generate(any, 1, NULL));
	NO(csn_kem_from_seed(any, 1, any, 1, NULL));
	NO(csn_kem_from_public(any, 1, any, 1, NULL));
	NO(csn_kem_public(any, NULL, any, 1));
	NO(csn_kem_encapsulate(any, NULL, any, 1, any));
	NO(csn_kem_decapsulate(any, NULL, any, 1, any));
	NO(csn_sign_generate(any, 1, NULL));
	NO(csn_sign_from_seed(any, 1, any, 1, NULL));
	NO(csn_sign_from_public(any, 1, any, 1, NULL));
	NO(csn_sign_public(any, NULL, any, 1));
	NO(csn_sign(any, NULL, any, 1, any, 1, any, 1));
	NO(csn_verify(any, NULL, any, 1, any, 1, any, 1));
}

TEST(evidence_refuses_null)
{
	NO(csn_result_new(any, NULL));
	NO(csn_result_add(NULL, any, 1, 1, any));
	NO(csn_result_json(any, NULL, any));
	NO(csn_result_json(any, any, NULL));
	NO(csn_cose_sign(any, NULL, any, any, any, 1, any, any));
	NO(csn_cose_sign(any, any, any, any, any, 1, NULL, any));
	NO(csn_cose_verify(any, NULL, any, any, 1, any, any));
	NO(csn_armor(any, any, any, 1, NULL));
	NO(csn_dearmor(any, any, any, 1, NULL, any));
}

TEST(identity_refuses_null)
{
	NO(csn_purposes_format(any, 1, NULL));
	NO(csn_did_key(any, NULL, any, 1));
	NO(csn_did_alias(any, NULL, any, 1));
	NO(csn_did_to_key(any, any, NULL));
	NO(csn_sign_public_pem(any, NULL, any));
	NO(csn_sign_public_pem(any, any, NULL));
	NO(csn_kem_public_pem(any, NULL, any));
	NO(csn_kem_public_pem(any, any, NULL));
	NO(csn_sign_from_public_pem(any, any, 1, NULL));
	NO(csn_identity_new(any, any, NULL));
	NO(csn_identity_import(any, any, any, 1, any, 1, any, 1, NULL));
	NO(csn_identity_json(any, NULL, any));
	NO(csn_identity_json(any, any, NULL));
	NO(csn_identity_save(any, NULL, any, any, 1));
	NO(csn_identity_load(any, any, any, 1, NULL));
	NO(csn_document_verify(any, any, 1, NULL));
	NO(csn_document_inspect(any, any, 1, NULL));
	NO(csn_document_json(any, NULL, any));
	NO(csn_document_json(any, any, NULL));
	NO(csn_trust_new(any, NULL));
	NO(csn_trust_load(any, any, NULL));
	NO(csn_trust_save(any, NULL, any));
	NO(csn_trust_add(any, NULL, any));
	NO(csn_trust_add(any, any, NULL));
	NO(csn_trust_remove(any, NULL, any));
	NO(csn_trust_find(any, NULL, any, 1, 1, any));
	NO(csn_trust_each(NULL, NULL, any));
	NO(csn_action_issue(any, NULL, any, any, 1, any, any));
	NO(csn_action_issue(any, any, NULL, any, 1, any, any));
	NO(csn_action_issue(any, any, any, any, 1, NULL, any));
	NO(csn_action_verify(any, NULL, any, 1, any, any, any, 1, any));
	NO(csn_action_json(any, any, 1, NULL));
}

TEST(keystore_refuses_null)
{
	NO(csn_keystore_register(NULL));
	NO(csn_keystore_open(any, any, any, 1, NULL));
	NO(csn_keystore_open_in(any, any, any, any, 1, NULL));
	NO(csn_keystore_open_in(any, any, NULL, any, 1, any));
	NO(csn_keystore_generation(NULL, any));
	NO(csn_keystore_generation(any, NULL));
	NO(csn_keystore_advance(NULL, 1));
	NO(csn_keystore_create(NULL, any));
	NO(csn_keystore_remove(NULL, any));
	NO(csn_keystore_wrap(NULL, any, any, 1, any, any, any));
	NO(csn_keystore_unwrap(NULL, any, any, 1, any, 1, any));
	NO(csn_keystore_each(NULL, NULL, any));
	NO(csn_keystore_lock(NULL));
	NO(csn_keystore_unlock(NULL, any, 1));
	NO(csn_keystore_change_secret(NULL, any, 1, any, 1));
}

TEST(kv_refuses_null)
{
	NO(csn_kv_seal(any, NULL));
	NO(csn_kv_open(any, NULL));
	NO(csn_manager_new(any, any, NULL));
	NO(csn_manager_create(NULL, any, any));
	NO(csn_manager_create(any, NULL, any));
	NO(csn_manager_adopt(NULL, any));
	NO(csn_manager_adopt(any, NULL));
	NO(csn_manager_session(NULL, any, any));
	NO(csn_manager_session(any, any, NULL));
	NO(csn_manager_seal(NULL, any));
	NO(csn_manager_seal(any, NULL));
	NO(csn_manager_open(NULL, any));
	NO(csn_manager_open(any, NULL));
	NO(csn_manager_seal_batch(NULL, any, any, 1));
	NO(csn_manager_open_batch(NULL, any, any, 1));
	NO(csn_manager_set_quota(NULL, any, 1, 1));
	NO(csn_manager_close(NULL, any));
	NO(csn_manager_each(NULL, NULL, any));
	NO(csn_kv_store_new(NULL, any, any, any));
	NO(csn_kv_store_new(any, NULL, any, any));
	NO(csn_kv_store_new(any, any, any, NULL));
	NO(csn_kv_store_put(NULL, any, any, any, 1, any, 1));
	NO(csn_kv_store_put(any, any, NULL, any, 1, any, 1));
	NO(csn_kv_store_get(NULL, any, any, any, any, any, any));
	NO(csn_kv_store_get(any, any, NULL, any, any, any, any));
	NO(csn_kv_store_remove(NULL, any, any));
	NO(csn_kv_store_remove(any, any, NULL));
	NO(csn_kv_store_close_tenant(NULL, any));
	NO(csn_kv_store_reseal(NULL, any, 1, any));
	NO(csn_kv_store_stat(NULL, any, any));
	NO(csn_kv_store_stat(any, any, NULL));
}

TEST(measure_refuses_null)
{
	NO(csn_tree_new(any, 1, 1, NULL));
	NO(csn_tree_set(NULL, any, 1, any, 1));
	NO(csn_tree_set_some(NULL, any, any, any, 1));
	NO(csn_tree_set_hashes(NULL, 1, any, 1));
	NO(csn_tree_root(NULL, any));
	NO(csn_tree_leaf(NULL, 1, any));
	NO(csn_tree_prove(NULL, 1, any, 1, any));
}

TEST(platform_refuses_null)
{
	NO(csn_platform_verify(any, 1, any, 1, any, NULL));
	NO(csn_platform_json(any, 1, any, 1, NULL));
}

TEST(region_refuses_null)
{
	NO(csn_region_register(NULL));
	NO(csn_regions_open(any, any, NULL));
	NO(csn_regions_each(NULL, NULL, any));
	NO(csn_regions_begin(NULL));
	NO(csn_regions_end(NULL));
	NO(csn_regions_read(NULL, any, 1, any, 1));
	NO(csn_regions_read(any, NULL, 1, any, 1));
	NO(csn_regions_dirty(NULL, any, any, 1, any));
	NO(csn_regions_dirty(any, NULL, any, 1, any));
	NO(csn_regions_dirty(any, any, NULL, 1, any));
	NO(csn_regions_evidence(NULL, any, any, any, any, any));
	NO(csn_regions_evidence(any, any, NULL, any, any, any));
	NO(csn_regions_evidence(any, any, any, any, NULL, any));
	NO(csn_regions_add_buffer(NULL, any, any));
	NO(csn_regions_add_buffer(any, NULL, any));
	NO(csn_regions_remove_buffer(NULL, any));
	NO(csn_regions_touch_buffer(NULL, any, 1, 1));
}

TEST(seal_refuses_null)
{
	NO(csn_header_read(any, any, 1, NULL));
	NO(csn_stream_sealer_new(NULL, 1, any, any, any));
	NO(csn_stream_sealer_new(any, 1, any, any, NULL));
	NO(csn_stream_opener_new(NULL, any, any, any));
	NO(csn_stream_opener_new(any, any, any, NULL));
	NO(csn_stream_push(NULL, any, 1, 1, any));
	NO(csn_stream_pull(NULL, any, 1, 1, any));
	NO(csn_sealer_new(any, any, NULL));
	NO(csn_sealer_update(NULL, any, 1, NULL, any));
	NO(csn_sealer_final(NULL, NULL, any));
	NO(csn_sealer_resume(any, any, any, NULL));
	NO(csn_sealer_run(NULL, any, any));
	NO(csn_sealer_facts(NULL, any));
	NO(csn_sealed_readdress(any, NULL, any, any, 9, any, 1, any, 1, any,
	    any, any));
	NO(csn_sealed_readdress(any, any, any, NULL, 9, any, 1, any, 1, any,
	    any, any));
	NO(csn_sealed_readdress(any, any, any, any, 9, any, 1, any, 1, NULL,
	    any, any));
	NO(csn_sealed_readdress(any, any, any, any, 9, any, 1, any, 1, any,
	    any, NULL));
	NO(csn_opener_new(any, NULL, any, any, any));
	NO(csn_opener_new(any, any, NULL, any, any));
	NO(csn_opener_new(any, any, any, any, NULL));
	NO(csn_opener_update(NULL, any, 1, NULL, any));
	NO(csn_opener_final(NULL, NULL, any));
	NO(csn_opener_facts(NULL, any));
	NO(csn_sealed_new(any, NULL, any, NULL, any, any));
	NO(csn_sealed_new(any, any, NULL, NULL, any, any));
	NO(csn_sealed_new(any, any, any, NULL, NULL, any));
	NO(csn_sealed_new(any, any, any, NULL, any, NULL));
	NO(csn_sealed_facts(NULL, any));
	NO(csn_sealed_read(NULL, 1, any, 1, any));
	NO(csn_sealed_read(any, 1, any, 1, NULL));
	NO(csn_sealed_run(NULL, any, 1, any));
	NO(csn_sealed_resume(NULL, any, any));
	NO(csn_sealed_resume(any, any, NULL));
	NO(csn_sealed_verify(NULL, any));
	NO(csn_sealed_make(any, NULL, any, 1, any, any, 1, any, any));
	NO(csn_sealed_make(any, any, any, 1, any, any, 1, NULL, any));
	NO(csn_sealed_open(any, NULL, any, any, any, 1, any, any));
	NO(csn_sealed_open(any, any, NULL, any, any, 1, any, any));
	NO(csn_sealed_open(any, any, any, any, any, 1, NULL, any));
	NO(csn_sealed_inspect(any, any, 1, NULL));
}

TEST(session_refuses_null)
{
	NO(csn_session_offer(any, any, NULL, any, any));
	NO(csn_session_offer(any, any, any, NULL, any));
	NO(csn_acceptor_new(any, NULL, any, any, any));
	NO(csn_acceptor_new(any, any, NULL, any, any));
	NO(csn_acceptor_new(any, any, any, any, NULL));
	NO(csn_session_accept(NULL, any, 1, any, any, any, any));
	NO(csn_session_accept(any, any, 1, any, NULL, any, any));
	NO(csn_session_accept(any, any, 1, any, any, NULL, any));
	NO(csn_session_finish(NULL, any, any, 1, any, any, any, any));
	NO(csn_session_finish(any, NULL, any, 1, any, any, any, any));
	NO(csn_session_finish(any, any, any, 1, any, NULL, any, any));
	NO(csn_session_finish(any, any, any, 1, any, any, NULL, any));
	NO(csn_session_confirm(NULL, any, 1, any, any));
	NO(csn_session_confirm(any, any, 1, any, NULL));
	NO(csn_session_local(any, NULL, any, any));
	NO(csn_session_local(any, any, any, NULL));
	NO(csn_offer_export(NULL, any, any));
	NO(csn_offer_export(any, NULL, any));
	NO(csn_offer_import(any, any, 1, NULL));
	NO(csn_pending_export(NULL, any, any));
	NO(csn_pending_export(any, NULL, any));
	NO(csn_pending_import(any, any, 1, NULL));
	NO(csn_session_export(NULL, any, any));
	NO(csn_session_export(any, NULL, any));
	NO(csn_session_import(any, any, 1, any, NULL));
	NO(csn_session_get_info(NULL, any));
	NO(csn_session_get_info(any, NULL));
	NO(csn_session_check_valid(NULL));
	NO(csn_session_json(NULL, any));
	NO(csn_session_json(any, NULL));
	NO(csn_session_rotate(NULL, 1));
	NO(csn_session_after_fork(NULL));
}

TEST(store_refuses_null)
{
	NO(csn_store_register(NULL));
	NO(csn_store_open(any, any, NULL));
	NO(csn_store_put(NULL, any, 1, any, 1, any, 1));
	NO(csn_store_get(NULL, any, 1, any, 1, any, any));
	NO(csn_store_remove(NULL, any, 1, any, 1));
	NO(csn_store_drop(NULL, any, 1));
	NO(csn_store_each(NULL, any, 1, NULL, any));
	NO(csn_store_stat(NULL, any, 1, any));
	NO(csn_store_stat(any, any, 1, NULL));
	NO(csn_store_put_for(NULL, any, 1, any, 1, any, 1, 1));
	NO(csn_store_ttl(NULL, any, 1, any, 1, any));
	NO(csn_store_add_for(NULL, any, 1, any, 1, any, 1, 1));
	NO(csn_store_remove_if(NULL, any, 1, any, 1, any, 1));
	NO(csn_store_get_for(NULL, any, 1, any, 1, any, any, any));
	NO(csn_store_reserve(NULL, any, 1, 1, any));
	NO(csn_store_reserve(any, any, 1, 1, NULL));
	NO(csn_store_commit(NULL, any, 1, any, 1, any));
	NO(csn_store_commit(any, any, 1, any, 1, NULL));
	NO(csn_store_borrow(NULL, any, 1, any, 1, any));
	NO(csn_store_borrow(any, any, 1, any, 1, NULL));
	NO(csn_store_on_evict(NULL, NULL, any));
}

#ifdef HAVE_CACHE
TEST(cache_refuses_null)
{
	NO(csn_cache_value_room(NULL, 1));
	NO(csn_cache_value_set(NULL, any, 1));
	NO(csn_cache_new(any, NULL, any));
	NO(csn_cache_new(any, any, NULL));
	NO(csn_cache_get(NULL, any, any, any));
	NO(csn_cache_get(any, any, any, NULL));
	NO(csn_cache_set(NULL, any, any, any, 1));
	NO(csn_cache_delete(NULL, any, any));
	NO(csn_cache_exists(NULL, any, any, any));
	NO(csn_cache_get_or_compute(NULL, any, any, NULL, any, any));
	NO(csn_cache_get_or_compute(any, any, any, NULL, any, NULL));
	NO(csn_cache_clear(NULL, any, any));
	NO(csn_cache_reseal(NULL, any, any, NULL, any, any));
	NO(csn_cache_stat(NULL, any));
	NO(csn_cache_stat(any, NULL));
	NO(csn_cache_prometheus(NULL, any, any));
	NO(csn_cache_prometheus(any, any, NULL));
}

TEST(cache_key_refuses_null)
{
	NO(csn_cachekit_key_new(any, 1, NULL));
	NO(csn_cachekit_key_null(NULL));
	NO(csn_cachekit_key_bool(NULL, 1));
	NO(csn_cachekit_key_int(NULL, 1));
	NO(csn_cachekit_key_uint(NULL, 1));
	NO(csn_cachekit_key_float(NULL, 1));
	NO(csn_cachekit_key_str(NULL, any, 1));
	NO(csn_cachekit_key_bytes(NULL, any, 1));
	NO(csn_cachekit_key_time(NULL, 1, 1));
	NO(csn_cachekit_key_uuid(NULL, any));
	NO(csn_cachekit_key_list_begin(NULL));
	NO(csn_cachekit_key_list_end(NULL));
	NO(csn_cachekit_key_map_begin(NULL));
	NO(csn_cachekit_key_map_key(NULL, any, 1));
	NO(csn_cachekit_key_map_end(NULL));
	NO(csn_cachekit_key_set_begin(NULL));
	NO(csn_cachekit_key_set_end(NULL));
	NO(csn_cachekit_key_name(NULL, any, 1));
	NO(csn_cachekit_key_args(NULL, any, any));
	NO(csn_cachekit_key_interop(NULL, any, any, any));
	NO(csn_cachekit_key_auto(NULL, any, any, any, 1, any, any));
}

TEST(cache_native_refuses_null)
{
	NO(csn_cache_native_make_master(any, NULL, any, 1, 1, any, any));
	NO(csn_cache_native_make_master(any, any, any, 1, 1, NULL, any));
	NO(csn_cache_native_new(any, any, NULL));
	NO(csn_cache_native_add(NULL, any, any, any, 1));
	NO(csn_cache_native_add(any, NULL, any, any, 1));
	NO(csn_cache_native_add(any, any, NULL, any, 1));
	NO(csn_cache_native_add_key(NULL, 1, any, any));
	NO(csn_cache_native_drop(NULL, 1));
	NO(csn_cache_native_seal(NULL, any, 1, any, 1, any));
	NO(csn_cache_native_seal(any, NULL, 1, any, 1, any));
	NO(csn_cache_native_open(NULL, any, any, 1, any, any));
	NO(csn_cache_native_open(any, NULL, any, 1, any, any));
	NO(csn_cache_native_forget(NULL, any));
	NO(csn_cache_native_forget(any, NULL));
}

TEST(cache_protocol_refuses_null)
{
	NO(csn_cachekit_ring_new(any, NULL, any, 1, 1, any));
	NO(csn_cachekit_ring_new(any, any, NULL, 1, 1, any));
	NO(csn_cachekit_ring_new(any, any, any, 1, 1, NULL));
	NO(csn_cachekit_ring_hex(any, any, any, any, 1, NULL));
	NO(csn_cachekit_ring_env(any, 1, NULL));
	NO(csn_cachekit_ring_file(any, any, 1, NULL));
	NO(csn_cachekit_ring_keystore(any, NULL, any, any, 1, any));
	NO(csn_cachekit_ring_keystore(any, any, any, NULL, 1, any));
	NO(csn_cachekit_ring_keystore(any, any, any, any, 1, NULL));
	NO(csn_cachekit_ring_wrap(any, NULL, any, any, any));
	NO(csn_cachekit_ring_fingerprint(NULL, 1, any));
	NO(csn_cachekit_new(any, NULL, any, any));
	NO(csn_cachekit_new(any, any, any, NULL));
	NO(csn_cachekit_after_fork(NULL));
	NO(csn_cachekit_seal(NULL, any, any, 1, any));
	NO(csn_cachekit_seal(any, NULL, any, 1, any));
	NO(csn_cachekit_open(NULL, any, any, any, 1, any, any));
	NO(csn_cachekit_open(any, NULL, any, any, 1, any, any));
	NO(csn_cachekit_fingerprint(NULL, any, 1, 1, any));
	NO(csn_cachekit_derive(NULL, any, 1, 1, any));
	NO(csn_cachekit_pack(any, NULL, any, any, 1, any));
	NO(csn_cachekit_pack(any, any, NULL, any, 1, any));
	NO(csn_cachekit_pack(any, any, any, any, 1, NULL));
	NO(csn_cachekit_unpack(any, NULL, any, any, 1, any, any));
	NO(csn_cachekit_unpack(any, any, NULL, any, 1, any, any));
	NO(csn_cachekit_unpack(any, any, any, any, 1, NULL, any));
	NO(csn_cachekit_reseal(any, NULL, any, any, 1, any, any));
	NO(csn_cachekit_reseal(any, any, NULL, any, 1, any, any));
	NO(csn_cachekit_reseal(any, any, any, any, 1, NULL, any));
	NO(csn_cachekit_inspect(any, any, 1, NULL));
}
#endif

TEST(model_refuses_null)
{
	NO(csn_model_read(any, NULL, 1, NULL, any));
	NO(csn_model_read(any, any, 1, NULL, NULL));
	NO(csn_model_open(any, NULL, NULL, any));
	NO(csn_model_open(any, any, NULL, NULL));
	NO(csn_model_facts(NULL, any));
	NO(csn_model_facts(any, NULL));
	NO(csn_model_file(NULL, 0, any));
	NO(csn_model_file(any, 0, NULL));
	NO(csn_model_tensor(NULL, 0, any));
	NO(csn_model_tensor(any, 0, NULL));
	NO(csn_model_find(NULL, any, any, any));
	NO(csn_model_find(any, NULL, any, any));
	NO(csn_model_find(any, any, NULL, any));
	NO(csn_model_tensor_read(NULL, 0, 0, any, 1));
	NO(csn_model_tensor_read(any, 0, 0, NULL, 1));
	NO(csn_model_value(NULL, 0, any));
	NO(csn_model_value(any, 0, NULL));
	NO(csn_model_get(NULL, any, any));
	NO(csn_model_get(any, NULL, any));
	NO(csn_model_get(any, any, NULL));
	NO(csn_model_text(NULL, 0, 1, any, any));
	NO(csn_model_text(any, 0, 1, NULL, any));
	NO(csn_model_text(any, 0, 1, any, NULL));
	NO(csn_model_json(NULL, any));
	NO(csn_model_json(any, NULL));
}

TEST(what_ends_an_object_takes_null)
{
	csn_model_free(NULL);
	csn_session_close(NULL);
	csn_session_free(NULL);
	csn_store_close(NULL);
	csn_store_release(NULL, NULL);
	csn_store_off_evict(NULL, NULL, NULL);
	csn_kv_store_free(NULL);
	csn_manager_free(NULL);
	csn_audit_close(NULL);
	csn_watch_free(NULL);
	csn_free(NULL);
}

TEST(the_sentence_names_the_argument)
{
	NO(csn_manager_adopt(NULL, any));
	assert_string_equal(csn_message(), "csn_manager_adopt() needs "
	    "its argument 'mgr', which is NULL");
}
