package main

// The pieces of a webhook. Names and numbers are fictional.
const (
	head    = `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100","phone_number_id":"106540352242922"},`
	contact = `"contacts":[{"profile":{"name":"Alex"},"wa_id":"15550101","user_id":"US.1349","parent_user_id":"US.ENT.1181"}],`
	tail    = `},"field":"messages"}]}]}`
	from    = `"messages":[{"from":"15550101","from_user_id":"US.1349","from_parent_user_id":"US.ENT.1181","id":"wamid.HBgLMTU1NTAxMDAwMDAVAgASGBQzQTAyRkYwQTRBN0Q3RkUyQUU4RgA=","timestamp":"1767225600",`
	media   = `"mime_type":"image/jpeg","sha256":"ClQHnUO0ZNRZvjjhWqx1MCAMZqOBQ8n8Zqk2XhoMx1k=","id":"1003383421387256","url":"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1003383421387256&source=webhook&ext=1767225600&hash=ARn`
	status  = `"statuses":[{"id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","status":"`
	statend = `","timestamp":"1767225600","recipient_id":"15550101","recipient_user_id":"US.1349","recipient_parent_user_id":"US.ENT.1181",`
	pricing = `"conversation":{"id":"CONVERSATION_ID","expiration_timestamp":"1767312000","origin":{"type":"service"}},"pricing":{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}}]`
	echo    = `"message_echoes":[{"from":"15550100","to":"15550101","to_user_id":"US.1349","to_parent_user_id":"US.ENT.1181","id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","timestamp":"1767225600",`
	context = `"context":{"from":"15550100","id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBIyMUZFMUQ0OTg2RDkwN0RBRTMA"},`
)

// rules are decisions with their inputs, for the directory.
var rules = []string{
	`{"in":{"kind":"template","channel":"api","direction":"out","provenance":"live","waba":"102290129340398","number":"106540352242922","day":"2026-01-01","marketing":"withdrawn","window":"closed","messaged":"yes","template":"APPROVED","category":"MARKETING","custodian":"","department":"","role":""},"out":{"class":"communication","duty":"2029-01-01","retain":"2032-01-01","scope":"business","labels":[],"findings":[{"rule":"marketing-without-consent","severity":"high","reason":"marketing consent was withdrawn"},{"rule":"template-not-approved","severity":"medium","reason":"template is not approved"}],"revision":"1","provisional":true}}`,
	`{"in":{"kind":"status","sub":"delivered","channel":"unknown","direction":"none","provenance":"backfill","number":"106540352242922","day":"2026-01-01","marketing":"unknown","window":"unknown","messaged":"unknown"},"out":{"class":"contacts","retain":"2026-02-01","scope":"personal","revision":"1"}}`,
	`{"in":{"kind":"text","channel":"user","direction":"in","provenance":"live","waba":"102290129340398","number":"106540352242922","day":"2026-01-01","marketing":"unknown","window":"open","messaged":"yes"},"out":{"class":"communication","duty":"2029-01-01","retain":"2032-01-01","scope":"business","revision":"1"}}`,
}

// own are our own inputs: consent, sends, templates, directory.
var own = []string{
	`{"specversion":"1.0","type":"waxseal.consent","source":"/crm","id":"","time":"2026-01-01T00:00:00Z","datacontenttype":"application/json","data":{"wa_id":"15550101","user_id":"US.1349","business":"","purpose":"marketing","given":true,"text":"","method":"web","evidence":"","actor":{"kind":"human","id":""},"time":"2026-01-01T00:00:00Z"}}`,
	`{"request":{"messaging_product":"whatsapp","recipient_type":"individual","to":"15550101","type":"template","template":{"name":"order_update","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"`,
	`"}]},{"type":"button","sub_type":"url","index":"0"}]}},"response":{"messaging_product":"whatsapp","contacts":[{"input":"15550101","wa_id":"15550101"}],"messages":[{"id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","message_status":"accepted"}]},"phone_number_id":"106540352242922","http_status":200,"actor":{"kind":"bot","id":""},"time":"2026-01-01T00:00:00Z"}`,
	`{"employee":"","role":"","department":"","number":"106540352242922","from":"2026-01-01T00:00:00Z","to":null}`,
	`content-type` + `application/json` + `ce_specversion` + `ce_type` + `ce_source` + `ce_id` + `ce_time` + `traceparent` + `User-Agent` + `facebookexternalua` + `x-waxseal-signature`,
}

// account are account and template events.
var account = []string{
	`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","time":1767225600,"changes":[{"value":{"event":"ACCOUNT_UPDATE","waba_info":{"waba_id":"102290129340398","owner_business_id":"2949482758682047"},"ban_info":{"waba_ban_state":["DISABLE"],"waba_ban_date":"January 1, 2026"},"restriction_info":[{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING","expiration":1767225600}],"violation_info":{"violation_type":"SPAM"},"disconnection_info":{"reason":"PRIMARY_INACTIVITY","initiated_by":"SYSTEM"},"phone_number":"15550100","country":"US"},"field":"account_update"}]}]}`,
	`{"entry":[{"id":"102290129340398","time":1767225600,"changes":[{"value":{"event":"APPROVED","message_template_id":1689556908129832,"message_template_name":"order_update","message_template_language":"en-US","reason":"NONE","message_template_category":"UTILITY","previous_quality_score":"GREEN","new_quality_score":"YELLOW","previous_category":"UTILITY","new_category":"MARKETING","correct_category":"MARKETING","category_update_timestamp":1767225600,"message_template_title":"","message_template_element":"","message_template_footer":"","message_template_buttons":[{"message_template_button_type":"URL","message_template_button_text":"","message_template_button_url":""}],"other_info":{"title":"FIRST_PAUSE","description":""},"disable_info":{"disable_date":1767225600},"rejection_info":{"reason":"","recommendation":""}},"field":"message_template_status_update"}]}],"object":"whatsapp_business_account"}`,
	`"field":"message_template_quality_update"` + `"field":"message_template_components_update"` + `"field":"template_category_update"` + `"field":"phone_number_quality_update"` + `"field":"account_review_update"` + `"field":"business_capability_update"` + `"field":"security"`,
}

// rare are message kinds and fields seldom seen.
var rare = []string{
	`"user_preferences":[{"wa_id":"15550101","user_id":"US.1349","parent_user_id":"US.ENT.1181","detail":"User requested to stop marketing messages","category":"marketing_messages","value":"stop","timestamp":1767225600}]},"field":"user_preferences"}]}]}`,
	`"calls":[{"id":"wacid.HBgLMTU1NTAxMDAwMDAVAgASGBQzQTAyRkYwQTRBN0Q3RkUyQUU4RgA=","from":"15550101","to":"15550100","event":"terminate","direction":"USER_INITIATED","timestamp":"1767225600","status":"COMPLETED","start_time":"1767225600","end_time":"1767225660","duration":60,"session":{"sdp_type":"offer","sdp":"v=0\r\no=- `,
	`"biz_opaque_callback_data":"","type":"call","status":"RINGING"},"field":"calls"}]}]}`,
	from + `"type":"contacts","contacts":[{"name":{"formatted_name":"Sam","first_name":"Sam","last_name":""},"phones":[{"phone":"+1 555-0102","wa_id":"15550102","type":"CELL"}],"emails":[{"email":"sam@example.com","type":"WORK"}],"addresses":[{"street":"","city":"","state":"","zip":"","country":"","country_code":"","type":"HOME"}],"org":{"company":"","department":"","title":""},"urls":[{"url":"https://www.example.com","type":"WORK"}],"birthday":"","vcard":"BEGIN:VCARD\nVERSION:3.0\n"}]}]` + tail,
	from + `"type":"order","order":{"catalog_id":"194836987003835","text":"","product_items":[{"product_retailer_id":"sku-1","quantity":1,"item_price":7.99,"currency":"USD"},{"product_retailer_id":"sku-2","quantity":2,"item_price":30,"currency":"EUR"}]}}]` + tail,
	from + `"type":"system","system":{"body":"User Alex changed from 15550101 to 15550102","wa_id":"15550102","type":"user_changed_number","previous_user_id":"US.1349"},"identity":{"acknowledged":true,"created_timestamp":"1767225600","hash":""}}]` + tail,
	from + `"type":"location","location":{"latitude":37.44216251868683,"longitude":-122.16153582049394,"name":"","address":"","url":"https://www.example.com"}}]` + tail,
	from + `"referral":{"source_url":"https://fb.me/","source_id":"120216","source_type":"ad","body":"","headline":"","media_type":"image","image_url":"https://","thumbnail_url":"https://","ctwa_clid":"","welcome_message":{"text":""}},"type":"request_welcome"}]` + tail,
	from + `"errors":[{"code":131051,"title":"Message type unknown","message":"Message type unknown","error_data":{"details":"Message type is currently not supported."},"href":"https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}],"type":"unsupported","unsupported":{"type":"media_placeholder"}}]` + tail,
	`"errors":[{"code":131047,"title":"Re-engagement message","message":"Re-engagement message","error_data":{"details":"Message failed to send because more than 24 hours have passed since the customer last replied to this number."},"href":"https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}]}]` + tail,
	from + context + `"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":"{\"flow_token\":\"\",\"`,
	`\"}","body":"Sent","name":"flow"}}}]` + tail,
	from + context + `"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"","title":"","description":""}}}]` + tail,
	from + context + `"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"","title":""}}}]` + tail,
	from + context + `"type":"button","button":{"payload":"Unsubscribe","text":"Stop promotions"}}]` + tail,
	from + `"type":"edit","edit":{"original_message_id":"wamid.HBgLMTU1NTAxMDAwMDAVAgASGBQzQTAyRkYwQTRBN0Q3RkUyQUU4RgA=","message":{"context":{"id":""},"type":"text","text":{"body":"`,
	from + `"type":"revoke","revoke":{"original_message_id":"wamid.HBgLMTU1NTAxMDAwMDAVAgASGBQzQTAyRkYwQTRBN0Q3RkUyQUU4RgA="}}]` + tail,
	from + `"type":"reaction","reaction":{"message_id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBIyMUZFMUQ0OTg2RDkwN0RBRTMA","emoji":"\ud83d\udc4d"}}]` + tail,
	from + `"type":"sticker","sticker":{"mime_type":"image/webp","animated":false,"sha256":"`,
	from + `"type":"video","video":{"caption":"","mime_type":"video/mp4","sha256":"`,
	from + `"type":"document","document":{"caption":"","filename":"invoice.pdf","mime_type":"application/pdf","sha256":"`,
	from + `"type":"audio","audio":{"mime_type":"audio/ogg; codecs=opus","voice":true,"sha256":"`,
	from + `"type":"image","image":{"caption":"",` + media + `"}}]` + tail,
	`"context":{"forwarded":true,"frequently_forwarded":true},` + `"context":{"from":"15550100","id":"","referred_product":{"catalog_id":"194836987003835","product_retailer_id":"sku-1"}},` + `"group_id":"`,
}

// wrapped are history and contacts, which come in bulk.
var wrapped = []string{
	`"state_sync":[{"type":"contact","contact":{"full_name":"Alex","first_name":"Alex","phone_number":"15550101","user_id":"US.1349","username":""},"action":"add","metadata":{"timestamp":"1767225600"}},{"type":"contact","contact":{"phone_number":"15550102"},"action":"remove","metadata":{"timestamp":"1767225600"}}]},"field":"smb_app_state_sync"}]}]}`,
	`"history":[{"metadata":{"phase":0,"chunk_order":1,"progress":50},"threads":[{"id":"15550101","context":{"wa_id":"15550101","user_id":"US.1349","username":""},"messages":[{"from":"15550100","to":"15550101","id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","timestamp":"1767225600","type":"text","text":{"body":"ok"},"history_context":{"status":"READ"}},{"from":"15550101","id":"wamid.HBgLMTU1NTAxMDAwMDAVAgASGBQzQTAyRkYwQTRBN0Q3RkUyQUU4RgA=","timestamp":"1767225600","type":"media_placeholder","history_context":{"status":"DELIVERED"}}]}]}]},"field":"history"}]}]}`,
}

// frequent is the day's traffic: echoes, statuses, texts.
var frequent = []string{
	` the order number please you thank would could have your with for Good morning Hello Thanks! delivery tomorrow appointment payment invoice address available `,
	` gracias por favor buenos d\u00edas pedido obrigado bom dia danke guten Tag \ud83d\ude0a\ud83d\ude4f `,
	head + contact + echo + `"type":"revoke","revoke":{"original_message_id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"}}]},"field":"smb_message_echoes"}]}]}`,
	head + contact + echo + `"type":"edit","edit":{"original_message_id":"wamid.HBgLMTU1NTAxMDAwMDAVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","message":{"type":"text","text":{"body":"`,
	head + contact + echo + `"type":"image","image":{` + media + `"}}]},"field":"smb_message_echoes"}]}]}`,
	head + status + `failed` + statend + `"errors":[{"code":131026,"title":"Message undeliverable","message":"Message undeliverable","error_data":{"details":"Message Undeliverable."}}]}]` + tail,
	head + status + `sent` + statend + pricing + tail,
	head + contact + status + `delivered` + statend + `"pricing":{"billable":false,"pricing_model":"PMP","category":"utility","type":"free_customer_service"}}]` + tail,
	head + contact + status + `read` + statend + `"pricing":{"billable":true,"pricing_model":"PMP","category":"marketing","type":"regular"}}]` + tail,
	head + contact + echo + `"type":"text","text":{"body":"` + `"}}]},"field":"smb_message_echoes"}]}]}`,
	head + contact + from + context + `"type":"text","text":{"body":"` + `"}}]` + tail,
	head + contact + from + `"text":{"body":"` + `"},"type":"text"}]` + tail,
	`102290129340398` + `X-Hub-Signature-256` + `Content-Type` + `application/json`,
	"\x00\x00" + head + contact + from + `"type":"text","text":{"body":"` + `"}}]` + tail,
}
