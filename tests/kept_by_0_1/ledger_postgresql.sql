--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: retraining_batches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.retraining_batches (
    pipeline character varying(63) NOT NULL,
    name character varying(255) NOT NULL,
    state character varying(20) NOT NULL,
    content character varying(64),
    same_as character varying(255),
    photos integer NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    found_at timestamp with time zone NOT NULL,
    run_id character varying(63),
    tries integer NOT NULL,
    tried_at timestamp with time zone,
    together integer,
    reason text NOT NULL
);


--
-- Name: retraining_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.retraining_events (
    pipeline character varying(63) NOT NULL,
    id character varying(255) NOT NULL,
    type character varying(63) NOT NULL,
    subject character varying(255) NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    data text NOT NULL,
    held_until timestamp with time zone,
    sent_at timestamp with time zone
);


--
-- Name: retraining_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.retraining_runs (
    pipeline character varying(63) NOT NULL,
    run_id character varying(63) NOT NULL,
    state character varying(20) NOT NULL,
    active boolean,
    why text NOT NULL,
    reason text NOT NULL,
    settings text NOT NULL,
    new_batches text NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    held_by character varying(63),
    held_until timestamp with time zone
);


--
-- Data for Name: retraining_batches; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-01', 'set_aside', NULL, NULL, 0, '2026-11-01 20:00:00+00', '2026-11-26 18:32:57.281963+00', NULL, 0, NULL, NULL, 'no label table; expected photos.csv, once');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-02-again', 'set_aside', NULL, '2026-11-02', 12, '2026-11-02 20:00:00+00', '2026-11-26 18:32:57.281974+00', NULL, 0, NULL, NULL, 'its photos and table are those of batch 2026-11-02');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-02', 'learnt', '4ab880bf4a9e22674f03000dcffe85a51d7f66a3e6d0f0be91785489de9db8c0', NULL, 12, '2026-11-02 20:00:00+00', '2026-11-26 18:32:57.281972+00', 'retrain-c65d5626e53b', 0, '2026-11-26 18:33:01.370381+00', NULL, '');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-03', 'learnt', '4594640ac9284aebd3eae7a05af06e82c54e4bc9b0ab8a0c202b4dc5869ab810', NULL, 12, '2026-11-03 20:00:00+00', '2026-11-26 18:33:49.175043+00', 'retrain-12ee7e26114e', 0, '2026-11-26 18:33:49.298505+00', NULL, '');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-04', 'waiting', '61f897e49f750e74b072cc087fcf4ddb410369a33d747944d462cce90e5663d6', NULL, 12, '2026-11-04 20:00:00+00', '2026-11-26 18:34:51.453679+00', 'retrain-9da2fefb8206', 1, '2026-11-26 18:34:51.603266+00', 1, 'data refused: 10 of 75 rows refused (13.3%: 10 not_an_image), more than data.max_refused_share allows (5.0%)');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-05', 'taken', 'b0549382e5f594e20511b39735e313a7bfd8e4228b880f5d6570bb5751ce71aa', NULL, 12, '2026-11-05 20:00:00+00', '2026-11-26 18:35:15.406148+00', 'retrain-fab13f5796cb', 0, NULL, NULL, '');
INSERT INTO public.retraining_batches VALUES ('shop', '2026-11-06', 'waiting', '53d7f12f618fba1dc5ab41a828007a7b804bad43410cff8cdabda12f2ec2b322', NULL, 3, '2026-11-06 20:00:00+00', '2026-11-26 18:35:28.471944+00', NULL, 0, NULL, NULL, '');


--
-- Data for Name: retraining_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.retraining_events VALUES ('shop', '2026-11-01.1793563200.set_aside', 'customer-age.batch.set_aside', '2026-11-01', '2026-11-26 18:32:57.284201+00', '{"batch": "2026-11-01", "reason": "no label table; expected photos.csv, once", "tries": 0, "photos": 0}', '2026-11-26 18:34:05.38934+00', '2026-11-26 18:33:01.415895+00');
INSERT INTO public.retraining_events VALUES ('shop', '2026-11-02-again.1793649600.set_aside', 'customer-age.batch.set_aside', '2026-11-02-again', '2026-11-26 18:32:57.284233+00', '{"batch": "2026-11-02-again", "reason": "its photos and table are those of batch 2026-11-02", "tries": 0, "photos": 12}', '2026-11-26 18:34:05.423415+00', '2026-11-26 18:33:01.446721+00');
INSERT INTO public.retraining_events VALUES ('shop', 'retrain-c65d5626e53b.published', 'customer-age.run.published', 'retrain-c65d5626e53b', '2026-11-26 18:33:01.326344+00', '{"run_id": "retrain-c65d5626e53b", "state": "published", "why_started": "12 new photos in 1 batch: retraining.min_photos is 10", "reason": "Published: version 2 of customer-age is the champion, with a test MAE of 1.35 years on 8 photos.", "planned_at": "2026-11-26T18:33:01.318637+00:00", "ended_at": "2026-11-26T18:33:01.326344+00:00", "new_batches": ["2026-11-02"], "new_photos": 12, "version": "2", "champion": true, "mae": 1.347304105758667}', '2026-11-26 18:34:05.460147+00', '2026-11-26 18:33:01.479294+00');
INSERT INTO public.retraining_events VALUES ('shop', 'retrain-9da2fefb8206.data_refused', 'customer-age.run.data_refused', 'retrain-9da2fefb8206', '2026-11-26 18:34:51.603222+00', '{"run_id": "retrain-9da2fefb8206", "state": "data_refused", "why_started": "12 new photos in 1 batch: retraining.min_photos is 10", "reason": "10 of 75 rows refused (13.3%: 10 not_an_image), more than data.max_refused_share allows (5.0%)", "planned_at": "2026-11-26T18:34:51.590985+00:00", "ended_at": "2026-11-26T18:34:51.603222+00:00", "new_batches": ["2026-11-04"], "new_photos": 12}', '2026-11-26 18:35:55.628449+00', NULL);
INSERT INTO public.retraining_events VALUES ('shop', 'retrain-12ee7e26114e.model_refused', 'customer-age.run.model_refused', 'retrain-12ee7e26114e', '2026-11-26 18:33:49.298454+00', '{"run_id": "retrain-12ee7e26114e", "state": "model_refused", "why_started": "12 new photos in 1 batch: retraining.min_photos is 10", "reason": "The gate refused the model: MAE 1.17 years on 10 test photos, above the limit of 0.001.", "planned_at": "2026-11-26T18:33:49.291539+00:00", "ended_at": "2026-11-26T18:33:49.298454+00:00", "new_batches": ["2026-11-03"], "new_photos": 12}', '2026-11-26 18:36:19.586322+00', NULL);


--
-- Data for Name: retraining_runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.retraining_runs VALUES ('shop', 'retrain-c65d5626e53b', 'published', NULL, '12 new photos in 1 batch: retraining.min_photos is 10', 'Published: version 2 of customer-age is the champion, with a test MAE of 1.35 years on 8 photos.', '{"name":"shop","work_dir":"/srv/shop/work","data":{"path":"/srv/shop/base","layout":"auto","columns":{},"keep_columns":[],"face_crops":true,"stored_size":40,"min_size":32,"jpeg_quality":92,"split_shares":{"train":0.6,"valid":0.2,"test":0.2},"split_key":"customer-age","inbox":"/srv/shop/inbox","batches":["2026-11-02"],"batch_cache":null,"profiles":null,"max_profile_age_days":null,"max_photos_per_card":20,"person_key_file":null,"max_refused_share":0.05,"max_wrong_ages":0},"trainer":{"weights":"champion","input_size":32,"batch_size":8,"head_epochs":1,"epochs":2,"head_learning_rate":0.001,"learning_rate":0.001,"weight_decay":0.0,"dropout":0.0,"patience":20,"augmentation":false,"seed":0,"gpu":null},"gate":{"max_mae":20.0,"min_test_photos":3,"champion_tolerance":10.0,"age_groups":["0-12","13-17","18-24","25-34","35-44","45-54","55-64","65+"],"gpu":null},"canary":{"max_seconds_per_photo":2.0,"max_memory_mb":4096,"timeout_seconds":300},"registry":{"uri":null,"model_name":"customer-age"},"beam":{"workers":0,"args":[]},"cluster":{"image":"","gpu_image":"","pipeline_root":"","resources":{},"max_retries":2,"timeout_seconds":21600,"image_pull_policy":"IfNotPresent","image_pull_secrets":[],"environment":{},"secret_environment":[],"secret_files":[],"in_place":[]},"retraining":{"ledger":"postgresql://shop@ledger.shop.example:5432/ledger","min_photos":10,"max_wait_hours":10000.0,"max_drift":null,"cool_down_hours":0.0,"retry_hours":1.0,"tries":2,"newest_batches":20,"newest_days":null,"epochs":2,"learning_rate":0.001},"notify":{"url":null,"timeout_seconds":2.0,"attempts":1}}', '["2026-11-02"]', '2026-11-26 18:33:01.318637+00', '2026-11-26 18:33:01.370381+00', NULL, NULL);
INSERT INTO public.retraining_runs VALUES ('shop', 'retrain-12ee7e26114e', 'model_refused', NULL, '12 new photos in 1 batch: retraining.min_photos is 10', 'The gate refused the model: MAE 1.17 years on 10 test photos, above the limit of 0.001.', '{"name":"shop","work_dir":"/srv/shop/work","data":{"path":"/srv/shop/base","layout":"auto","columns":{},"keep_columns":[],"face_crops":true,"stored_size":40,"min_size":32,"jpeg_quality":92,"split_shares":{"train":0.6,"valid":0.2,"test":0.2},"split_key":"customer-age","inbox":"/srv/shop/inbox","batches":["2026-11-02","2026-11-03"],"batch_cache":null,"profiles":null,"max_profile_age_days":null,"max_photos_per_card":20,"person_key_file":null,"max_refused_share":0.05,"max_wrong_ages":0},"trainer":{"weights":"champion","input_size":32,"batch_size":8,"head_epochs":1,"epochs":2,"head_learning_rate":0.001,"learning_rate":0.001,"weight_decay":0.0,"dropout":0.0,"patience":20,"augmentation":false,"seed":0,"gpu":null},"gate":{"max_mae":0.001,"min_test_photos":3,"champion_tolerance":10.0,"age_groups":["0-12","13-17","18-24","25-34","35-44","45-54","55-64","65+"],"gpu":null},"canary":{"max_seconds_per_photo":2.0,"max_memory_mb":4096,"timeout_seconds":300},"registry":{"uri":null,"model_name":"customer-age"},"beam":{"workers":0,"args":[]},"cluster":{"image":"","gpu_image":"","pipeline_root":"","resources":{},"max_retries":2,"timeout_seconds":21600,"image_pull_policy":"IfNotPresent","image_pull_secrets":[],"environment":{},"secret_environment":[],"secret_files":[],"in_place":[]},"retraining":{"ledger":"postgresql://shop@ledger.shop.example:5432/ledger","min_photos":10,"max_wait_hours":10000.0,"max_drift":null,"cool_down_hours":0.0,"retry_hours":1.0,"tries":2,"newest_batches":20,"newest_days":null,"epochs":2,"learning_rate":0.001},"notify":{"url":null,"timeout_seconds":2.0,"attempts":1}}', '["2026-11-03"]', '2026-11-26 18:33:49.291539+00', '2026-11-26 18:33:49.298505+00', NULL, NULL);
INSERT INTO public.retraining_runs VALUES ('shop', 'retrain-9da2fefb8206', 'data_refused', NULL, '12 new photos in 1 batch: retraining.min_photos is 10', '10 of 75 rows refused (13.3%: 10 not_an_image), more than data.max_refused_share allows (5.0%)', '{"name":"shop","work_dir":"/srv/shop/work","data":{"path":"/srv/shop/base","layout":"auto","columns":{},"keep_columns":[],"face_crops":true,"stored_size":40,"min_size":32,"jpeg_quality":92,"split_shares":{"train":0.6,"valid":0.2,"test":0.2},"split_key":"customer-age","inbox":"/srv/shop/inbox","batches":["2026-11-02","2026-11-03","2026-11-04"],"batch_cache":null,"profiles":null,"max_profile_age_days":null,"max_photos_per_card":20,"person_key_file":null,"max_refused_share":0.05,"max_wrong_ages":0},"trainer":{"weights":"champion","input_size":32,"batch_size":8,"head_epochs":1,"epochs":2,"head_learning_rate":0.001,"learning_rate":0.001,"weight_decay":0.0,"dropout":0.0,"patience":20,"augmentation":false,"seed":0,"gpu":null},"gate":{"max_mae":20.0,"min_test_photos":3,"champion_tolerance":10.0,"age_groups":["0-12","13-17","18-24","25-34","35-44","45-54","55-64","65+"],"gpu":null},"canary":{"max_seconds_per_photo":2.0,"max_memory_mb":4096,"timeout_seconds":300},"registry":{"uri":null,"model_name":"customer-age"},"beam":{"workers":0,"args":[]},"cluster":{"image":"","gpu_image":"","pipeline_root":"","resources":{},"max_retries":2,"timeout_seconds":21600,"image_pull_policy":"IfNotPresent","image_pull_secrets":[],"environment":{},"secret_environment":[],"secret_files":[],"in_place":[]},"retraining":{"ledger":"postgresql://shop@ledger.shop.example:5432/ledger","min_photos":10,"max_wait_hours":10000.0,"max_drift":null,"cool_down_hours":0.0,"retry_hours":1.0,"tries":2,"newest_batches":20,"newest_days":null,"epochs":2,"learning_rate":0.001},"notify":{"url":null,"timeout_seconds":2.0,"attempts":1}}', '["2026-11-04"]', '2026-11-26 18:34:51.590985+00', '2026-11-26 18:34:51.603266+00', NULL, NULL);
INSERT INTO public.retraining_runs VALUES ('shop', 'retrain-fab13f5796cb', 'running', true, '12 new photos in 1 batch: retraining.min_photos is 10', '', '{"name":"shop","work_dir":"/srv/shop/work","data":{"path":"/srv/shop/base","layout":"auto","columns":{},"keep_columns":[],"face_crops":true,"stored_size":40,"min_size":32,"jpeg_quality":92,"split_shares":{"train":0.6,"valid":0.2,"test":0.2},"split_key":"customer-age","inbox":"/srv/shop/inbox","batches":["2026-11-02","2026-11-03","2026-11-05"],"batch_cache":null,"profiles":null,"max_profile_age_days":null,"max_photos_per_card":20,"person_key_file":null,"max_refused_share":0.05,"max_wrong_ages":0},"trainer":{"weights":"champion","input_size":32,"batch_size":8,"head_epochs":1,"epochs":2,"head_learning_rate":0.001,"learning_rate":0.001,"weight_decay":0.0,"dropout":0.0,"patience":20,"augmentation":false,"seed":0,"gpu":null},"gate":{"max_mae":20.0,"min_test_photos":3,"champion_tolerance":10.0,"age_groups":["0-12","13-17","18-24","25-34","35-44","45-54","55-64","65+"],"gpu":null},"canary":{"max_seconds_per_photo":2.0,"max_memory_mb":4096,"timeout_seconds":300},"registry":{"uri":null,"model_name":"customer-age"},"beam":{"workers":0,"args":[]},"cluster":{"image":"","gpu_image":"","pipeline_root":"","resources":{},"max_retries":2,"timeout_seconds":21600,"image_pull_policy":"IfNotPresent","image_pull_secrets":[],"environment":{},"secret_environment":[],"secret_files":[],"in_place":[]},"retraining":{"ledger":"postgresql://shop@ledger.shop.example:5432/ledger","min_photos":10,"max_wait_hours":10000.0,"max_drift":null,"cool_down_hours":0.0,"retry_hours":1.0,"tries":2,"newest_batches":20,"newest_days":null,"epochs":2,"learning_rate":0.001},"notify":{"url":null,"timeout_seconds":2.0,"attempts":1}}', '["2026-11-05"]', '2026-11-26 18:35:15.551317+00', NULL, 'shop 7ee76916ff0c', '2026-11-26 18:40:15.559636+00');


--
-- Name: retraining_batches retraining_batches_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_batches
    ADD CONSTRAINT retraining_batches_pkey PRIMARY KEY (pipeline, name);


--
-- Name: retraining_batches retraining_content_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_batches
    ADD CONSTRAINT retraining_content_once UNIQUE (pipeline, content);


--
-- Name: retraining_events retraining_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_events
    ADD CONSTRAINT retraining_events_pkey PRIMARY KEY (pipeline, id);


--
-- Name: retraining_runs retraining_one_active_run; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_runs
    ADD CONSTRAINT retraining_one_active_run UNIQUE (pipeline, active);


--
-- Name: retraining_runs retraining_runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_runs
    ADD CONSTRAINT retraining_runs_pkey PRIMARY KEY (pipeline, run_id);


--
-- Name: retraining_batches retraining_batches_pipeline_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.retraining_batches
    ADD CONSTRAINT retraining_batches_pipeline_run_id_fkey FOREIGN KEY (pipeline, run_id) REFERENCES public.retraining_runs(pipeline, run_id);


--
-- PostgreSQL database dump complete
--


